/**
 * A user of a prepared host who has no root's rights at all: what the looks of every preview say then. The user
 * is of a mount namespace of the test, in which sudo knows nobody.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { temporaryFolder } from "../unit/support";
import { makeUser } from "./namespace";

const folder = temporaryFolder();
const [UID, GROUP] = [23458, 23459];
const at = (...names: string[]): string => join(folder, ...names);

/** Runs shell text in the checkout as that user, who is in the share's group. */
async function asViewer(text: string): Promise<string> {
  const inside = `${makeUser({ name: "vera", uid: UID })}
    exec setpriv --reuid=${UID} --regid=${UID} --groups=${GROUP} bash -c "$2"`;
  const ended = await run(["unshare", "--mount", "bash", "-c", inside, "test", folder, text], {
    timeoutMs: 60_000,
  });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString();
}

describe("a user without root's rights", { timeout: 120_000 }, () => {
  before(async () => {
    const made = await run(["scripts/host/packages.sh", "install", "qemu-utils"], {
      timeoutMs: 110_000,
    });
    assert.equal(made.code, 0, made.stderr);
    chmodSync(folder, 0o711);
    for (const name of ["pool", "tls/mirlab-one", "share"])
      mkdirSync(at(name), { recursive: true });
    for (const name of ["seed.iso", "pool/v.qcow2"])
      writeFileSync(at(name), "root's", { mode: 0o600 });
    chmodSync(at("tls", "mirlab-one"), 0o750);
    chownSync(at("share"), 0, GROUP);
    chmodSync(at("share"), 0o2770);
  });

  it("is shown everything but what only root may look at", async () => {
    const seen = await asViewer(
      `bash scripts/host/observe.sh - folder ${at("pool")} volume p ${at("pool", "v.qcow2")}`,
    );
    assert.match(seen, /^unread\tvolume v\.qcow2\theader\t.*Permission denied/m);
    assert.match(seen, new RegExp(`^fact\tfolder ${at("pool")}\tstate\tdirectory`, "m"));
    assert.doesNotMatch(seen, /^unknown\t/m);
    assert.match(seen, /^end\t\d+$/m);
  });

  it("sees that a seed disk and a certificate are there, and not what is in them", async () => {
    const digest = (script: string, path: string): Promise<string> =>
      asViewer(`bash scripts/host/${script} digest ${path}`).then((text) => text.trim());
    assert.equal(await digest("seed.sh", at("seed.iso")), "unread");
    assert.equal(await digest("seed.sh", at("none.iso")), "absent");
    assert.equal(await digest("screen-tls.sh", at("tls", "mirlab-one")), "unread");
    assert.equal(await digest("screen-tls.sh", at("tls", "mirlab-none")), "absent");
  });

  it("proves a share by a file of the guest that it may not read", async () => {
    const nonce = "ab".repeat(32);
    const verb = (name: string): string =>
      `bash scripts/host/share-nonce.sh ${name} ${at("share")} ${nonce}`;
    await asViewer(verb("put"));
    const answer = at("share", `.mirlab-${nonce}.answer`);
    writeFileSync(answer, `${nonce} answered`, { mode: 0o600 });
    await asViewer(verb("answered"));
    writeFileSync(answer, "something else");
    await assert.rejects(asViewer(verb("answered")), /found an answer of another size/);
    await asViewer(verb("remove"));
    await assert.rejects(asViewer(verb("answered")), /found no answer of the guest/);
  });

  it("takes an image that another user has built, and leaves the folder as it is", async () => {
    const key = "ab".repeat(32);
    mkdirSync(at("images"));
    writeFileSync(at("images", `${key}.qcow2`), "image", { mode: 0o444 });
    const digest = createHash("sha256").update("image").digest("hex");
    writeFileSync(at("images", `${key}.manifest`), `image-sha256: ${digest}\n`, { mode: 0o444 });
    writeFileSync(at("images", `.lock-${key}`), "");
    const build = `bash scripts/host/image-build.sh build --dir ${at("images")} --key ${key}`;
    assert.equal(await asViewer(build), `${at("images", `${key}.qcow2`)}\n`);
    assert.equal(statSync(at("images")).uid, 0);
  });

  it("is refused what needs root, with the fix", async () => {
    await assert.rejects(
      asViewer(`bash scripts/host/seed.sh remove ${at("seed.iso")}`),
      /seed: found user vera without root's rights; need them for 'rm'; fix: run 'sudo -v'/,
    );
  });
});

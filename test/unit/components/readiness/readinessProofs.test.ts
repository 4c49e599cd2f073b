import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import {
  created,
  facts,
  failure,
  folder,
  guest,
  INPUTS,
  keys,
  programs,
  READY,
  reset,
  screen,
  share,
} from "./provider";

beforeEach(reset);

describe("MirReadiness and the share", () => {
  const shared = { share: { path: share, mount: "/mnt/share", readonly: false } };
  const remedy =
    "run 'systemctl restart' for the mount unit in the guest, and let libvirt-qemu write the host's folder";

  it("proves the share in both directions, and leaves nothing in the folder", async () => {
    assert.equal((await created(shared)).status, "ready");
    assert.deepEqual(existsSync(share) && (await import("node:fs")).readdirSync(share), []);
  });

  it("fails when the guest does not answer through it", async () => {
    guest(READY, ":");
    const error = await failure(shared);
    assert.deepEqual(error.reasons, [
      `share: found no answer of the guest in ${share}; ` +
        `need the host's ${share} mounted at /mnt/share in the guest; fix: ${remedy}`,
      // The share could still have been mounted: the wait reports how long it waited.
      error.reasons?.[1],
    ]);
    assert.match(
      error.reasons?.[1] ?? "",
      /^not in time: \S+: readiness 24 of 25, not yet share; \d+ s of 0 s$/,
    );
  });

  it("fails when a guest writes to a read-only one", async () => {
    const error = await failure({ share: { ...shared.share, readonly: true } });
    assert.match(
      error.reasons?.[0] ?? "",
      /^share: found a file that the guest wrote in .*; need .* in the guest, read-only; fix: /,
    );
  });

  it("fails when the folder is missing on the host", async () => {
    const error = await failure({ share: { ...shared.share, path: join(folder, "gone") } });
    assert.match(
      error.reasons?.[0] ?? "",
      /^share: found no folder .*gone on the host: create it, or drop guests\[\]\.share\.path; need /,
    );
  });
});

describe("MirReadiness and the keyboard", () => {
  it("stores the picture after the key", async () => {
    const props = await created();
    assert.equal(
      readFileSync(keys, "utf8"),
      "--quiet --connect qemu:///system send-key mirlab-dev-mir --codeset linux KEY_M\n",
    );
    const kept = readFileSync(INPUTS.picture);
    assert.ok(kept.equals(readFileSync(join(programs.folder, "screen-after-key"))));
    assert.equal(props.pictureSha256, createHash("sha256").update(kept).digest("hex"));
  });

  it("sends no key to a configured client, or without a client", async () => {
    for (const [client, why] of [
      ["configured", "the client is a configured one: what it makes of a key is not known"],
      ["none", "no client is declared"],
    ]) {
      guest(facts({ session: { client } }));
      const props = await created();
      const verdict = props.verdicts.find((v) => v.id === "keyboard");
      assert.deepEqual([props.status, verdict?.status, verdict?.found], ["ready", "skipped", why]);
      assert.ok(!existsSync(keys));
    }
  });

  it("sends no key before there is a picture", async () => {
    screen(false);
    const error = await failure();
    assert.match(error.reasons?.[0] ?? "", /^picture: found one colour; need a screen that/);
    const verdict = error.properties?.verdicts.find((v) => v.id === "keyboard");
    assert.deepEqual([verdict?.status, verdict?.found], ["skipped", "not tried before picture"]);
    assert.ok(!existsSync(keys));
  });
});

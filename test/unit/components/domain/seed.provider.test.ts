import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  GuestSeedInputs,
  GuestSeedProps,
  provider,
} from "../../../../components/domain/seed.provider";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const folder = temporaryFolder();
const SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n";
const INPUTS: GuestSeedInputs = {
  ...{ folder: join(folder, "pool"), name: "mir-vm", hostname: "mir" },
  ...{ directory: join(folder, "keys"), packages: [] },
  ...{ clientPublicKey: "ssh-ed25519 CLIENT", hostPublicKey: "ssh-ed25519 HOST" },
};
mkdirSync(INPUTS.folder);
mkdirSync(INPUTS.directory);
writeFileSync(join(INPUTS.directory, "host_ed25519"), SECRET);
// Replaces the ISO writer: the image is the concatenated documents.
programs.set("genisoimage", 'cat "${@:8}" >"$3"; [[ $5 == cidata ]]');
const hostApt = (line: string): void =>
  programs.set("apt-config", `[[ $1 != dump ]] || printf '%s\\n' '${line}'`);
hostApt("");
// The tests may run as any user: sudo runs its command as this user.
programs.set("sudo", '[[ $1 == -n ]] && shift; exec "$@"');

const created = async (change: Partial<GuestSeedInputs> = {}): Promise<GuestSeedProps> =>
  (await provider.create({ ...INPUTS, ...change })).outs as GuestSeedProps;
const read = async (props: GuestSeedProps): Promise<GuestSeedProps> =>
  (await provider.read?.(props.path, props))?.props as GuestSeedProps;

describe("GuestSeed", () => {
  it("holds the documents, for its owner alone", async () => {
    const { path } = await created();
    const text = readFileSync(path, "utf8");
    assert.match(text, /^#cloud-config\n[^]*SECRET[^]*instance-id: mir-/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("gives the guest the way of the host's apt, by the address at which it sees the host", async () => {
    hostApt('Acquire::http::Proxy "http://127.0.0.1:3142";');
    try {
      const [user, nat] = [await created(), await created({ gateway: "192.168.130.1" })];
      assert.match(JSON.stringify([user, nat]), /^(?!.*3142)/);
      const { path } = await created();
      assert.match(
        readFileSync(path, "utf8"),
        /#cloud-boothook\n[^]*Proxy "http:\/\/10\.0\.2\.2:3142";/,
      );
      await created({ gateway: "192.168.130.1" });
      assert.match(readFileSync(path, "utf8"), /Proxy "http:\/\/192\.168\.130\.1:3142";/);
    } finally {
      hostApt("");
    }
  });

  it("keeps no secret in the state", async () => {
    assert.doesNotMatch(JSON.stringify(await created()), /SECRET|PRIVATE/);
  });

  it("is named by its content", async () => {
    const [one, same, other] = [
      await created(),
      await created(),
      await created({ packages: ["foot"] }),
    ];
    assert.equal(one.path, same.path);
    assert.notEqual(one.path, other.path);
    assert.match(one.path, /\/pool\/mir-vm-[0-9a-f]{12}\.iso$/);
  });

  it("detects a changed or missing image, and recreates it", async () => {
    const props = await created();
    assert.deepEqual(await read(props), props);
    writeFileSync(props.path, "x");
    const seen = await read(props);
    assert.equal(seen.intact, false);
    assert.equal((await provider.diff?.(props.path, seen, INPUTS))?.changes, true);
    const healed = (await provider.update?.(props.path, seen, INPUTS))?.outs as GuestSeedProps;
    assert.deepEqual(await read(healed), healed);
    execFileSync("rm", [props.path]);
    assert.equal((await read(healed)).intact, false);
  });

  it("takes no link for the image, and writes through none", async () => {
    const props = await created();
    const victim = join(folder, "victim");
    writeFileSync(victim, readFileSync(props.path));
    execFileSync("rm", [props.path]);
    symlinkSync(victim, props.path);
    symlinkSync(victim, `${props.path}.partial`);
    assert.equal((await read(props)).intact, false, "a symlink to the same bytes is not the image");
    const before = readFileSync(victim, "utf8");
    await created();
    assert.equal(readFileSync(victim, "utf8"), before);
  });

  it("is replaced only if its content changes", async () => {
    const props = await created();
    const table: [Partial<GuestSeedInputs>, boolean, boolean][] = [
      [{}, false, false],
      [{ packages: ["foot"] }, true, true],
      [{ hostPublicKey: "ssh-ed25519 OTHER" }, true, true],
      [{ directory: "/elsewhere" }, true, false],
    ];
    for (const [change, changes, replaces] of table) {
      const diff = await provider.diff?.(props.path, props, { ...INPUTS, ...change });
      assert.deepEqual([diff?.changes, (diff?.replaces?.length ?? 0) > 0], [changes, replaces]);
    }
  });

  it("is deleted with its file, also twice", async () => {
    const props = await created();
    await provider.delete?.(props.path, props);
    assert.equal(existsSync(props.path), false);
    await provider.delete?.(props.path, props);
  });

  it("names the ISO writer if it fails", async () => {
    programs.set("genisoimage", "exit 1");
    await assert.rejects(
      created(),
      /^Error: mir: seed: seed: found that genisoimage failed; need an image; fix: make room in /,
    );
  });
});

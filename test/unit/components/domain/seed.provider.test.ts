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
// Stands in for the ISO writer: the image is its documents, one after the other.
programs.set("genisoimage", 'cat "${@: -2}" >"$3"; [[ $5 == cidata ]]');
// The tests may run as anybody: what asks for root is run as it is.
programs.set("sudo", '[[ $1 == -n ]] && shift; exec "$@"');

const made = async (change: Partial<GuestSeedInputs> = {}): Promise<GuestSeedProps> =>
  (await provider.create({ ...INPUTS, ...change })).outs as GuestSeedProps;
const read = async (props: GuestSeedProps): Promise<GuestSeedProps> =>
  (await provider.read?.(props.path, props))?.props as GuestSeedProps;

describe("GuestSeed", () => {
  it("holds the documents, for its owner alone", async () => {
    const { path } = await made();
    const text = readFileSync(path, "utf8");
    assert.match(text, /^#cloud-config\n[^]*SECRET[^]*instance-id: mir-/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("keeps no secret in the state", async () => {
    assert.doesNotMatch(JSON.stringify(await made()), /SECRET|PRIVATE/);
  });

  it("is named by its content", async () => {
    const [one, same, other] = [await made(), await made(), await made({ packages: ["foot"] })];
    assert.equal(one.path, same.path);
    assert.notEqual(one.path, other.path);
    assert.match(one.path, /\/pool\/mir-vm-[0-9a-f]{12}\.iso$/);
  });

  it("sees that the image was changed or is gone, and is made anew", async () => {
    const props = await made();
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
    const props = await made();
    const victim = join(folder, "victim");
    writeFileSync(victim, readFileSync(props.path));
    execFileSync("rm", [props.path]);
    symlinkSync(victim, props.path);
    symlinkSync(victim, `${props.path}.partial`);
    assert.equal((await read(props)).intact, false, "the same bytes behind a link are not it");
    const before = readFileSync(victim, "utf8");
    await made();
    assert.equal(readFileSync(victim, "utf8"), before);
  });

  it("is another seed only when its content is another", async () => {
    const props = await made();
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

  it("goes with its file; twice is no fault", async () => {
    const props = await made();
    await provider.delete?.(props.path, props);
    assert.equal(existsSync(props.path), false);
    await provider.delete?.(props.path, props);
  });

  it("says what is missing when the writer is not there", async () => {
    programs.set("genisoimage", "exit 1");
    await assert.rejects(made(), /^Error: mir: seed: seed: genisoimage failed, required an image/);
  });
});

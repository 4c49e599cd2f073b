import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { TLS_FILES } from "../../../../components/access/screenCertificate.io";
import {
  provider,
  ScreenTlsInputs,
  ScreenTlsProps,
} from "../../../../components/domain/screenTls.provider";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
// The tests may run as any user, on a machine without QEMU: sudo runs its command as this user, and
// install does not change the owner.
programs.set("sudo", '[[ $1 == -n ]] && shift; exec "$@"');
programs.set("getent", "exit 0");
programs.set(
  "install",
  `words=(); while (($# > 0)); do case $1 in -o | -g) shift 2 ;; *) words+=("$1") && shift ;; esac; done
   exec /usr/bin/install "\${words[@]}"`,
);

const base = temporaryFolder();
const INPUTS: ScreenTlsInputs = {
  ...{ folder: join(base, "pki", "mirlab-dev-mir"), directory: join(base, "keys") },
  certificate: "0".repeat(64),
};
const TEXTS = {
  authority: "AUTHORITY\n",
  certificate: "CERTIFICATE\n\n",
  key: "SECRET\n",
} as const;
mkdirSync(INPUTS.directory);
for (const [name, text] of Object.entries(TEXTS))
  writeFileSync(join(INPUTS.directory, TLS_FILES[name as keyof typeof TEXTS]), text);

/** As QEMU names them. */
const ON_HOST = {
  "ca-cert.pem": TEXTS.authority,
  "server-cert.pem": TEXTS.certificate,
  "server-key.pem": TEXTS.key,
};
const onHost = (name: string): string => join(INPUTS.folder, name);

const created = async (): Promise<ScreenTlsProps> =>
  (await provider.create(INPUTS)).outs as ScreenTlsProps;
const read = async (props: ScreenTlsProps): Promise<ScreenTlsProps> =>
  (await provider.read?.(INPUTS.folder, props))?.props as ScreenTlsProps;

describe("ScreenTls", () => {
  it("puts three unchanged files where QEMU reads them", async () => {
    const { id } = await provider.create(INPUTS);
    assert.equal(id, INPUTS.folder);
    assert.deepEqual(readdirSync(INPUTS.folder).sort(), Object.keys(ON_HOST).sort());
    for (const [name, text] of Object.entries(ON_HOST)) {
      assert.equal(readFileSync(onHost(name), "utf8"), text);
      assert.equal(statSync(onHost(name)).mode & 0o777, 0o640, name);
    }
    assert.equal(statSync(INPUTS.folder).mode & 0o777, 0o750);
  });

  it("keeps no secret in the state, and none of the engine's own keys", async () => {
    const outs = (await provider.create({ ...INPUTS, __provider: "x" } as ScreenTlsInputs)).outs;
    assert.doesNotMatch(JSON.stringify(outs), /SECRET|__provider/);
    assert.match((outs as ScreenTlsProps).sha256, /^[0-9a-f]{64}$/);
  });

  it("has the same result when done twice", async () =>
    assert.deepEqual(await created(), await created()));

  it("detects a file that was changed, opened, replaced by a link or removed, and restores it", async () => {
    const spoil: [what: string, act: () => void][] = [
      ["changed", () => writeFileSync(onHost("ca-cert.pem"), "OTHER")],
      ["opened", () => chmodSync(onHost("server-key.pem"), 0o644)],
      ["removed", () => rmSync(onHost("server-key.pem"))],
      [
        "a link instead of the folder",
        () => {
          rmSync(INPUTS.folder, { recursive: true });
          symlinkSync(INPUTS.directory, INPUTS.folder);
        },
      ],
      ["gone", () => rmSync(INPUTS.folder, { recursive: true })],
    ];
    for (const [what, act] of spoil) {
      const props = await created();
      assert.deepEqual(await read(props), props, `${what}: before`);
      act();
      const seen = await read(props);
      assert.equal(seen.intact, false, what);
      assert.equal((await provider.diff?.(INPUTS.folder, seen, INPUTS))?.changes, true, what);
      const healed = (await provider.update?.(INPUTS.folder, seen, INPUTS))?.outs as ScreenTlsProps;
      assert.deepEqual(await read(healed), healed, `${what}: after`);
    }
  });

  it("never writes through a symlink", async () => {
    await created();
    const victim = join(base, "victim");
    writeFileSync(victim, "before");
    for (const name of ["server-key.pem", "ca-cert.pem.partial"]) {
      rmSync(onHost(name), { force: true });
      symlinkSync(victim, onHost(name));
    }
    const props = await created();
    assert.equal(readFileSync(victim, "utf8"), "before");
    assert.deepEqual(await read(props), props);
  });

  it("is updated for other inputs, and replaced only for another folder", async () => {
    const props = await created();
    const table: [Partial<ScreenTlsInputs>, boolean, boolean][] = [
      [{}, false, false],
      [{ certificate: "1".repeat(64) }, true, false],
      [{ directory: "/elsewhere" }, true, false],
      [{ host: { config: "/c", alias: "lab" } }, true, false],
      [{ folder: "/etc/pki/libvirt-spice/mirlab-dev-b" }, true, true],
    ];
    for (const [change, changes, replaces] of table) {
      const diff = await provider.diff?.("id", props, { ...INPUTS, ...change });
      assert.deepEqual(
        [diff?.changes, (diff?.replaces?.length ?? 0) > 0, diff?.deleteBeforeReplace],
        [changes, replaces, true],
      );
    }
  });

  it("is deleted with its files, also twice, and leaves other files", async () => {
    const props = await created();
    writeFileSync(onHost("own.pem"), "x");
    await provider.delete?.(INPUTS.folder, props);
    assert.deepEqual(readdirSync(INPUTS.folder), ["own.pem"]);
    rmSync(onHost("own.pem"));
    await provider.delete?.(INPUTS.folder, props);
    assert.ok(!existsSync(INPUTS.folder));
    await provider.delete?.(INPUTS.folder, props);
  });

  it("names what is missing, and the folder", async () => {
    programs.set("getent", "exit 2");
    const fault = `Error: ${INPUTS.folder}: screen-tls: found no group libvirt-qemu; need the group of QEMU; fix: install package libvirt-daemon-system`;
    await assert.rejects(created(), (error) => String(error) === fault);
    programs.set("getent", "exit 0");
  });

  it("refuses any folder but a guest's", async () => {
    for (const folder of ["/etc/pki", "/etc/pki/libvirt-spice/mirlab-x;y", "mirlab-a"]) {
      const inputs = { ...INPUTS, folder };
      await assert.rejects(
        provider.create(inputs),
        /need make\|digest\|remove and the path of a folder mirlab-NAME/,
      );
    }
  });
});

// The whole program as the engine runs it, with the host's facts from a fake bash.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { DomainSpec, domainXml } from "../../components/domain/definition";
import { inPlain, Registered, registered, resourceNamed, valueOf } from "./pulumi";
import { FakePrograms, ROOT, temporaryFolder } from "./support";

process.chdir(ROOT);
process.env.MIRLAB_HOME = temporaryFolder();
export const labs = join(process.env.MIRLAB_HOME, "labs", "dev");
export const programs = new FakePrograms();
export const PRIVATE =
  "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n-----END OPENSSH PRIVATE KEY-----\n";

/** Facts of a host that passes all checks, with changes. */
export function host(changes: Record<string, string> = {}): void {
  const facts = {
    version: "2",
    os: "debian  12",
    suite: "bookworm",
    arch: "x86_64",
    rights: "root",
    user: "root",
    memoryAvailableMiB: "20000",
    dataFreeMiB: "90000",
    cacheFreeMiB: "90000",
    dataClosed: "-",
    cacheClosed: "-",
    libvirt: "ok",
    ...changes,
  };
  const lines = Object.entries(facts).map(([key, value]) => `${key}\t${value}\n`);
  writeFileSync(join(programs.folder, "facts"), lines.join(""));
}
programs.set(
  "bash",
  `cat >/dev/null
case "$*" in
  "scripts/host/image-build.sh key "*) echo 0123456789abcdef ;;
  "-s -- "*) cat "${programs.folder}/facts" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
);

/** The outputs of the providers. */
export function outputsOf(
  type: string,
  name: string,
  inputs: Record<string, unknown>,
): Record<string, unknown> {
  if (name.endsWith("-ports"))
    return { stdout: name.startsWith("second") ? "20023 5902\n" : "20022 5901\n" };
  if (name.endsWith("-acceleration")) {
    return { stdout: `{"acceleration":"tcg","reason":"no guest booted with KVM"}` };
  }
  if (name.endsWith("-image-file"))
    return { stdout: "/var/cache/mirlab/images/0123456789abcdef.qcow2\n" };
  if (name.endsWith("-share-folder")) return { stdout: "/var/lib/mirlab/dev/share/mir\n" };
  if (type.endsWith(":GuestAccess")) {
    const directory = inputs.directory as string;
    mkdirSync(directory, { recursive: true });
    for (const key of ["id_ed25519", "host_ed25519"]) writeFileSync(join(directory, key), PRIVATE);
    return {
      clientPublicKey: "ssh-ed25519 CLIENT",
      hostPublicKey: "ssh-ed25519 HOST",
      intact: true,
    };
  }
  if (type.endsWith(":GuestSeed"))
    return { path: `${inputs.folder as string}/${inputs.name as string}-seed.iso` };
  if (type.endsWith(":DomainContract")) {
    return { name: (inputs.spec as { name: string }).name, uuid: "uuid", bootId: "uuid#1" };
  }
  if (type.endsWith(":GuestKernel")) return { status: "as decided", decided: null, boots: "" };
  if (type.endsWith(":GuestMesa")) return { status: "as decided", decided: null, changes: "" };
  if (type.endsWith(":MirReadiness")) {
    return {
      status: "ready",
      reasons: [],
      facts: { kernel: "6.1.0", mesa: "22.3.6", mir: "2.12.1-1" },
    };
  }
  return type.startsWith("command:") ? { stdout: "done\n", stderr: "" } : {};
}

type Guests = Record<string, Record<string, pulumi.Output<unknown>>>;

/** Runs the program for a configuration; returns the values of its outputs. */
export async function run(
  config: Record<string, unknown>,
): Promise<Record<string, Record<string, unknown>>> {
  registered.length = 0;
  const keys = Object.entries(config).map(([k, v]) => [`mirlab:${k}`, JSON.stringify(v)]);
  pulumi.runtime.setAllConfig(Object.fromEntries(keys) as Record<string, string>);
  const { default: program } = (await import("../../index")) as unknown as {
    default: () => Promise<{ guests: Guests }>;
  };
  const { guests } = await program();
  const values: Record<string, Record<string, unknown>> = {};
  for (const [name, outputs] of Object.entries(guests)) {
    values[name] = {};
    for (const [key, output] of Object.entries(outputs)) values[name][key] = await valueOf(output);
  }
  // Wait for registrations that no output depends on.
  for (let seen = -1; seen !== registered.length;) {
    seen = registered.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return values;
}

export const tree = (): string[] =>
  registered
    .map((r) => `${r.parent === "" ? "" : `${r.parent.split(" ")[1] ?? ""} > `}${r.type} ${r.name}`)
    .sort();

/** Everything that the state shows of a resource, as text. */
export const shown = (r: Registered): string => JSON.stringify(inPlain(r.sent));

export const failsWith = async (
  config: Record<string, unknown>,
  message: string,
): Promise<void> => {
  await assert.rejects(run(config), (error: Error) => {
    assert.ok(pulumi.RunError.isInstance(error));
    assert.equal(error.message, message);
    return true;
  });
  assert.deepEqual(registered, [], "something was touched");
};

export const xslt = (name: string): string =>
  (resourceNamed(name).inputs.xml as { xslt: string }).xslt;

/** The declared definition of a guest's domain. */
export const definition = (name: string): string =>
  domainXml(resourceNamed(name).inputs.spec as DomainSpec);

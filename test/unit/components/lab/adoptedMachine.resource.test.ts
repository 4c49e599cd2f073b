import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { readLab } from "../../../../config/lab";
import { inPlain, mockEngine, registered, resourceNamed, valueOf } from "../../pulumi";
import { ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
process.env.MIRLAB_HOME = temporaryFolder();
const directory = join(process.env.MIRLAB_HOME, "labs", "dev", "desk");
const keyFile = join(process.env.MIRLAB_HOME, "key");
writeFileSync(keyFile, "SECRET KEY\n", { mode: 0o600 });
const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;

mockEngine((type, name) => {
  if (name.endsWith("-ports")) return { stdout: "22700\n" };
  if (name.endsWith("-share-folder")) return { stdout: "/var/lib/mirlab/dev/shares/desk\n" };
  if (type.endsWith(":GuestAccess")) return { hostPublicKey: HOST_KEY, clientPublicKey: "" };
  if (type.endsWith(":AdoptedDomain")) {
    return { bootId: "uuid#1", acceleration: "kvm", pending: "", originalXml: "<domain/>" };
  }
  if (type.endsWith(":MirReadiness")) return { status: "ready", facts: null };
  return type.startsWith("command:") ? { stdout: "done\n" } : {};
});

async function adopt(user: string): Promise<Record<string, unknown>> {
  registered.length = 0;
  const { lab, faults } = readLab({
    guests: [
      {
        name: "desk",
        image: {
          source: "existing",
          domain: "my-desktop",
          ssh: { host: "192.0.2.7", user, privateKeyFile: keyFile, hostKey: HOST_KEY },
        },
      },
    ],
  });
  assert.ok(lab !== undefined, JSON.stringify(faults));
  const { Guest } = await import("../../../../components/lab/guest.resource");
  const { LabHost } = await import("../../../../components/host/labHost.resource");
  const [config] = lab.guests;
  assert.ok(config !== undefined);
  // The host is this machine; an adopted guest needs nothing else of it.
  const labHost = Object.assign(Object.create(LabHost.prototype) as InstanceType<typeof LabHost>, {
    owner: "ada@desk-0123abcd",
    connection: undefined,
    target: undefined,
    jump: undefined,
    addresses: new Map(),
    __pulumiResource: true,
    urn: Promise.resolve("urn:pulumi:dev::mirlab::mirlab:index:LabHost::host"),
  });
  const guest = new Guest("desk", { config, host: lab.host, labHost, stack: "dev" });
  const values: Record<string, unknown> = {};
  const shown = Object.entries(guest.outputs) as [string, pulumi.Output<unknown>][];
  for (const [key, output] of shown) values[key] = await valueOf(output);
  return values;
}

describe("an adopted guest", () => {
  let outputs: Record<string, unknown>;
  before(async () => {
    outputs = await adopt("root");
  });

  it("has ports, keys and a domain, but no image, disk or seed", () => {
    assert.deepEqual(registered.map((r) => `${r.type.split(":").at(-1) ?? ""} ${r.name}`).sort(), [
      "AdoptedDomain desk-vm",
      "Command desk-ports",
      "Command desk-session-unit",
      "Command desk-share-folder",
      "Command desk-share-mount",
      "Console desk-console",
      "Guest desk",
      "GuestAccess desk-access",
      "GuestBoot desk-boot",
      "GuestContract desk-contract",
      "MirReadiness desk-readiness",
      "MirSession desk-session",
      "SharedFolder desk-share",
    ]);
    assert.match(resourceNamed("desk-ports").inputs.create as string, / dev\.desk 0$/);
  });

  it("passes the contract to the domain", () => {
    const { __provider: _, ...inputs } = resourceNamed("desk-vm").inputs;
    assert.deepEqual(inputs, {
      domain: "my-desktop",
      stack: "dev",
      guest: "desk",
      directory,
      wantedAcceleration: "auto",
      restart: "never",
      spice: { port: 22700, clipboard: false, fileTransfer: false },
      video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
      shareTag: "share",
      share: { path: "/var/lib/mirlab/dev/shares/desk", readonly: false },
    });
  });

  it("is reached with its owner's key and pinned host key, which stay out of the state", () => {
    const access = resourceNamed("desk-access").inputs;
    assert.deepEqual(
      [access.hostName, access.port, access.user, access.identityFile, access.hostKey],
      ["192.0.2.7", 22, "root", keyFile, HOST_KEY],
    );
    for (const r of registered)
      assert.doesNotMatch(JSON.stringify(inPlain(r.sent)), /SECRET/, r.name);
  });

  it("is waited for after each start, without the lab's first boot", () => {
    const boot = resourceNamed("desk-boot").inputs;
    assert.deepEqual([boot.bootId, boot.adopted, boot.serialLog], ["uuid#1", true, ""]);
    assert.deepEqual(boot.guest, {
      config: join(directory, "ssh_config"),
      alias: "mirlab-dev-desk",
      root: true,
    });
  });

  it("outputs the domain's own acceleration", () => {
    assert.equal(outputs.acceleration, "kvm: as the domain has it");
    assert.equal(outputs.spiceUri, "spice://127.0.0.1:22700");
    assert.equal(outputs.share, "/var/lib/mirlab/dev/shares/desk -> /mnt/share");
  });

  it("uses sudo unless the user is root", async () => {
    const line = (): unknown => resourceNamed("desk-share-mount").inputs.create;
    assert.equal(line(), "bash -s -- mount share /mnt/share");
    await adopt("ann");
    assert.equal(line(), "sudo -n bash -s -- mount share /mnt/share");
    assert.equal((resourceNamed("desk-boot").inputs.guest as { root?: boolean }).root, undefined);
  });
});

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import {
  inPlain,
  mockEngine,
  providerOf,
  Registered,
  registered,
  resourceNamed,
  UNKNOWN,
  valueOf,
} from "./pulumi";
import { DomainSpec, domainXml } from "../../components/domain/definition";
import { FakePrograms, fixture, ROOT, temporaryFolder } from "./support";

// The whole program as the engine runs it, with the host's facts from a fake bash.
process.chdir(ROOT);
process.env.MIRLAB_HOME = temporaryFolder();
const labs = join(process.env.MIRLAB_HOME, "labs", "dev");
const programs = new FakePrograms();
const PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n-----END OPENSSH PRIVATE KEY-----\n";

/** Facts of a host that passes all checks, with changes. */
function host(changes: Record<string, string> = {}): void {
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
function outputsOf(
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

mockEngine(outputsOf);

type Guests = Record<string, Record<string, pulumi.Output<unknown>>>;

/** Runs the program for a configuration; returns the values of its outputs. */
async function run(
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

const tree = (): string[] =>
  registered
    .map((r) => `${r.parent === "" ? "" : `${r.parent.split(" ")[1] ?? ""} > `}${r.type} ${r.name}`)
    .sort();

/** Everything that the state shows of a resource, as text. */
const shown = (r: Registered): string => JSON.stringify(inPlain(r.sent));

const failsWith = async (config: Record<string, unknown>, message: string): Promise<void> => {
  await assert.rejects(run(config), (error: Error) => {
    assert.ok(pulumi.RunError.isInstance(error));
    assert.equal(error.message, message);
    return true;
  });
  assert.deepEqual(registered, [], "something was touched");
};

const xslt = (name: string): string => (resourceNamed(name).inputs.xml as { xslt: string }).xslt;

/** The declared definition of a guest's domain. */
const definition = (name: string): string =>
  domainXml(resourceNamed(name).inputs.spec as DomainSpec);

before(() => host());

describe("the dev lab", () => {
  let outputs: Record<string, Record<string, unknown>>;
  before(async () => {
    host();
    outputs = await run({ guests: [{ name: "mir" }] });
  });

  it("has these resources, with these parents", () => {
    assert.deepEqual(
      tree(),
      [
        "mirlab:index:LabHost host",
        "host > mirlab:index:HostPackages host-packages",
        "host-packages > command:local:Command host-packages-installed",
        "host-packages > command:local:Command host-packages-libvirtd",
        "host > command:local:Command host-folders",
        "host > pulumi:providers:libvirt host-libvirt",
        "host > libvirt:index/pool:Pool host-pool",
        "host > pulumi-nodejs:dynamic/mir:HostContract host-contract",
        "mirlab:index:Guest mir",
        "mir > command:local:Command mir-acceleration",
        "mir > command:local:Command mir-ports",
        "mir > command:local:Command mir-share-folder",
        "mir > pulumi-nodejs:dynamic/mir:GuestAccess mir-access",
        "mir > mirlab:index:GuestImage mir-image",
        "mir-image > command:local:Command mir-image-file",
        "mir > mirlab:index:MirDomain mir-vm",
        "mir-vm > libvirt:index/volume:Volume mir-vm-disk",
        "mir-vm > pulumi-nodejs:dynamic/mir:GuestSeed mir-vm-seed",
        "mir-vm > pulumi-nodejs:dynamic/mir:DomainContract mir-vm-domain",
        "mir > pulumi-nodejs:dynamic/mir:GuestBoot mir-boot",
        "mir > mirlab:index:SharedFolder mir-share",
        "mir-share > command:remote:Command mir-share-mount",
        "mir > mirlab:index:MirSession mir-session",
        "mir-session > command:remote:Command mir-session-unit",
        "mir > pulumi-nodejs:dynamic/mir:GuestContract mir-contract",
        "mir > pulumi-nodejs:dynamic/mir:GuestKernel mir-kernel",
        "mir > pulumi-nodejs:dynamic/mir:GuestMesa mir-mesa",
        "mir > pulumi-nodejs:dynamic/mir:MirReadiness mir-readiness",
        "mir > mirlab:index:Console mir-console",
      ].sort(),
    );
  });

  it("outputs how to reach the guest and what runs in it", () => {
    assert.deepEqual(outputs, {
      mir: {
        sshCommand: `ssh -F ${labs}/mir/ssh_config mirlab-dev-mir`,
        spiceUri: "spice://127.0.0.1:5901",
        viewerFile: `${labs}/mir/console.vv`,
        screenshot: `${labs}/mir/screen.png`,
        report: `${labs}/mir/results/report.html`,
        versions: { linux: "6.1.0", mesa: "22.3.6", mir: "2.12.1-1" },
        acceleration: "tcg: no guest booted with KVM",
        readiness: "ready",
        share: "/var/lib/mirlab/dev/share/mir -> /mnt/share",
      },
    });
  });

  it("defines the page's hardware", () => {
    const sheet = definition("mir-vm-domain");
    assert.match(sheet, /^<domain type="qemu" /);
    assert.match(sheet, /<graphics type="spice" port="5901" autoport="no" listen="127\.0\.0\.1">/);
    assert.match(sheet, /<model type="qxl" ram="65536" vram="65536" vgamem="16384"/);
    assert.match(sheet, /<filesystem type="mount" accessmode="mapped">/);
    assert.match(sheet, /hostfwd=tcp:127\.0\.0\.1:20022-:22/);
    assert.match(
      sheet,
      /<source file="\/var\/lib\/mirlab\/dev\/pool\/mir-vm-0123456789ab\.qcow2"\/>/,
    );
    assert.match(sheet, /<source file="\/var\/lib\/mirlab\/dev\/pool\/mir-vm-seed\.iso"\/>/);
    assert.deepEqual(resourceNamed("mir-vm-domain").inputs.drift, []);
    assert.equal(resourceNamed("mir-vm-domain").inputs.onDrift, "heal");
    assert.equal(resourceNamed("mir-vm-disk").inputs.size, 12 * 1024 ** 3);
  });

  it("deletes libvirt's resources before it replaces them", () => {
    for (const name of ["mir-vm-disk", "mir-vm-seed", "mir-vm-domain", "host-pool"]) {
      assert.equal(resourceNamed(name).deleteBeforeReplace, true, name);
    }
    for (const name of ["mir-vm-disk", "host-pool"]) {
      assert.match(resourceNamed(name).provider, /::host-libvirt::/, name);
    }
  });

  it("removes a killed run's orphan before it creates a resource of that name", () => {
    assert.equal(resourceNamed("host-pool").beforeCreate.length, 1);
  });

  it("declares everything that the guests need on the host, before the guests", () => {
    const { inputs } = resourceNamed("host-contract");
    assert.deepEqual(inputs.drift, []);
    assert.equal(inputs.onDrift, "heal");
    assert.ok((inputs.packages as string[]).includes("qemu-utils"));
    assert.deepEqual(inputs.pool, { name: "mirlab-dev", path: "/var/lib/mirlab/dev/pool" });
    assert.deepEqual(inputs.guests, [
      {
        name: "mir",
        domain: "mirlab-dev-mir",
        network: "user",
        ports: { ssh: 0, spice: 0 },
        share: { path: "/var/lib/mirlab/dev/shares/mir", own: true },
        disk: {
          volume: resourceNamed("mir-vm-disk").inputs.name,
          bytes: 12 * 1024 ** 3,
          image: "/var/cache/mirlab/images/0123456789abcdef.qcow2",
          imageFormat: "qcow2",
        },
      },
    ]);
  });

  it("declares everything that the lab sets up in the guest, before readiness", () => {
    const { inputs } = resourceNamed("mir-contract");
    const { own, ...rest } = inputs as { own: Record<string, unknown> };
    assert.deepEqual(Object.keys(rest).sort(), [
      ...["__provider", "boot", "drift", "guest", "kernel"],
      ...["name", "onDrift", "session", "share"],
    ]);
    assert.deepEqual(inputs.drift, []);
    assert.deepEqual([inputs.name, inputs.boot, inputs.onDrift], ["mir", "uuid#1", "heal"]);
    assert.deepEqual(inputs.share, { tag: "share", mount: "/mnt/share" });
    assert.deepEqual(inputs.session, []);
    assert.equal(inputs.kernel, null);
    assert.deepEqual(own.groups, ["video", "render", "input"]);
    assert.equal(own.clientPublicKey, "ssh-ed25519 CLIENT");
    assert.ok((own.packages as string[]).includes("libgl1-mesa-dri"));
  });

  it("creates in order: packages, libvirt, pool, domain, boot, kernel, Mesa, session, readiness", () => {
    const order = [
      ["host-packages-libvirtd", "host-packages-installed"],
      ["host-contract", "host-pool"],
      ["host-contract", "host-folders"],
      ["mir-vm-domain", "mir-vm-disk"],
      ["mir-vm-domain", "mir-vm-seed"],
      ["mir-boot", "mir-vm-domain"],
      ["mir-kernel", "mir-boot"],
      ["mir-mesa", "mir-kernel"],
      ["mir-session", "mir-mesa"],
      ["mir-share", "mir-mesa"],
      ["mir-contract", "mir-session-unit"],
      ["mir-contract", "mir-share-mount"],
      ["mir-readiness", "mir-contract"],
      ["mir-readiness", "mir-session-unit"],
      ["mir-readiness", "mir-share-mount"],
    ];
    for (const [name = "", needs = ""] of order) {
      assert.ok(
        resourceNamed(name).dependsOn.includes(needs),
        `${name} does not wait for ${needs}`,
      );
    }
  });

  it("keeps private keys out of every plain input", () => {
    for (const resource of registered) {
      assert.doesNotMatch(shown(resource), /PRIVATE KEY|SECRET/, resource.name);
    }
    // The seed reads the key's file: no input has the private host key.
    assert.doesNotMatch(JSON.stringify(resourceNamed("mir-vm-seed").inputs), /SECRET/);
    const session = resourceNamed("mir-session-unit").inputs.connection as Record<string, unknown>;
    assert.equal(session.privateKey, PRIVATE);
    assert.equal(session.hostKey, "ssh-ed25519 HOST");
  });

  it("runs the checkout's scripts on this machine, and sends them to the guest; arguments are words", () => {
    for (const { name, type, inputs } of registered) {
      if (type === "command:local:Command") {
        assert.match(inputs.create as string, /^bash scripts\/host\/[a-z-]+\.sh /, name);
        assert.equal(inputs.stdin, undefined, name);
      } else if (type === "command:remote:Command") {
        assert.match(inputs.create as string, /^sudo -n bash -s -- /, name);
        assert.match(inputs.stdin as string, /^#!\/usr\/bin\/env bash\n/m, name);
      }
    }
    assert.equal(resourceNamed("mir-session-unit").inputs.create, "sudo -n bash -s -- install");
    assert.equal(
      resourceNamed("mir-ports").inputs.create,
      "bash scripts/host/ports.sh reserve /var/lib/mirlab dev.mir 0 0",
    );
    assert.equal(
      resourceNamed("mir-ports").inputs.delete,
      "bash scripts/host/ports.sh release /var/lib/mirlab dev.mir",
    );
  });

  it("keeps packages and images when it is destroyed", () => {
    for (const name of ["host-packages-installed", "mir-image-file", "mir-acceleration"]) {
      assert.equal(resourceNamed(name).inputs.delete, undefined, name);
    }
  });

  it("has provider code in the state that loads the checkout, without a path of this machine", async () => {
    for (const name of [
      "host-contract",
      "mir-access",
      "mir-boot",
      "mir-contract",
      "mir-readiness",
    ]) {
      const code = resourceNamed(name).inputs.__provider as string;
      assert.ok(!code.includes(ROOT), name);
    }
    const readiness = resourceNamed("mir-readiness");
    const provider = providerOf(readiness);
    const check = async (gates: unknown) =>
      (await provider.check?.({}, { ...readiness.inputs, gates }))?.failures?.map(
        (f) => f.property,
      );
    assert.deepEqual(await check(readiness.inputs.gates), []);
    assert.deepEqual(await check({ kernel: "3.17", mesa: UNKNOWN }), ["gates.kernel"]);
  });
});

describe("a lab of two guests, one on the lab's network", () => {
  before(async () => {
    host({ share: "/srv/mir folder /srv/mir yes" });
    await run({
      guests: [
        {
          name: "first",
          network: { mode: "nat" },
          share: { enabled: false },
          session: { client: [] },
        },
        {
          name: "second",
          acceleration: "tcg",
          share: { path: "/srv/mir", readonly: true },
          session: { command: ["mir_demo_server", "--x=it's"], client: ["a b", "-c"] },
        },
      ],
      host: { natSubnet: "10.20.30.0/24", dataDir: "/data" },
    });
  });

  it("creates one network, with one fixed address", () => {
    const network = resourceNamed("host-network");
    assert.equal(network.type, "libvirt:index/network:Network");
    assert.deepEqual(network.inputs.addresses, ["10.20.30.0/24"]);
    assert.equal(network.deleteBeforeReplace, true);
    assert.match(xslt("host-network"), /<mirlab:stack>dev<\/mirlab:stack>/);
    const contract = resourceNamed("host-contract").inputs.network as {
      hosts: { mac: string; ip: string }[];
    };
    assert.equal(contract.hosts.length, 1);
    const address = (resourceNamed("first-access").inputs as { hostName: string }).hostName;
    assert.match(address, /^10\.20\.30\.\d+$/);
    assert.equal(contract.hosts[0]?.ip, address);
    const { mac } = contract.hosts[0];
    assert.ok(definition("first-vm-domain").includes(`<mac address="${mac}"/>`));
    assert.equal(resourceNamed("first-access").inputs.port, 22);
  });

  it("puts the network and each guest's part into the host's contract", () => {
    const { inputs } = resourceNamed("host-contract");
    const network = inputs.network as { name: string; address: string; hosts: { ip: string }[] };
    assert.equal(network.name, "mirlab-dev");
    assert.equal(network.address, "10.20.30.1/24");
    assert.equal(network.hosts[0]?.ip, resourceNamed("first-access").inputs.hostName);
    const guests = inputs.guests as { share?: unknown; network: string }[];
    assert.deepEqual(
      guests.map((g) => [g.network, g.share]),
      [
        ["nat", undefined],
        ["user", { path: "/srv/mir", own: false }],
      ],
    );
  });

  it("connects only that guest to the network", () => {
    assert.match(definition("first-vm-domain"), /<source network="mirlab-dev"\/>/);
    assert.doesNotMatch(definition("first-vm-domain"), /hostfwd/);
    assert.match(definition("second-vm-domain"), /hostfwd=tcp:127\.0\.0\.1:20023-:22/);
    assert.doesNotMatch(definition("second-vm-domain"), /<interface/);
    assert.equal(resourceNamed("second-access").inputs.hostName, "127.0.0.1");
  });

  it("shares nothing with a guest without a share, and the configured folder read-only", () => {
    const names = registered.map((r) => r.name);
    assert.deepEqual(
      names.filter((n) => n.startsWith("first-share")),
      [],
    );
    assert.doesNotMatch(definition("first-vm-domain"), /<filesystem/);
    assert.ok(!names.includes("second-share-folder"));
    assert.match(
      definition("second-vm-domain"),
      /<source dir="\/srv\/mir"\/><target dir="share"\/><readonly\/>/,
    );
    assert.deepEqual(resourceNamed("second-readiness").inputs.share, {
      path: "/srv/mir",
      mount: "/mnt/share",
      readonly: true,
    });
    assert.equal(
      resourceNamed("second-share-mount").inputs.create,
      "sudo -n bash -s -- mount share /mnt/share",
    );
  });

  it("probes KVM only if the configuration leaves the acceleration open", () => {
    const probes = registered.map((r) => r.name).filter((n) => n.endsWith("-acceleration"));
    assert.deepEqual(probes, ["first-acceleration"]);
  });

  it("keeps everything on the host below the configured folder", () => {
    assert.equal(
      (resourceNamed("host-pool").inputs.target as { path: string }).path,
      "/data/dev/pool",
    );
    assert.match(
      definition("second-vm-domain"),
      /<log file="\/data\/dev\/log\/second\.serial\.log"/,
    );
    for (const resource of registered)
      assert.ok(!shown(resource).includes("/var/lib/mirlab"), resource.name);
  });

  it("starts the configured session, each argument one word", () => {
    assert.equal(
      resourceNamed("first-session-unit").inputs.create,
      "sudo -n bash -s -- install --no-client",
    );
    assert.equal(
      resourceNamed("second-session-unit").inputs.create,
      "sudo -n bash -s -- install --client 'a b' --client -c -- mir_demo_server '--x=it'\\''s'",
    );
  });
});

describe("a lab on a cloud image", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  before(async () => {
    host({ image: "https://images.example/a.qcow2?b&c ok" });
    const image = { source: "url", url: "https://images.example/a.qcow2?b&c", digest };
    await run({ guests: [{ name: "mir", image, diskGiB: 20 }] });
  });

  it("fetches it by its digest, the URL as one word", () => {
    assert.equal(
      resourceNamed("mir-image-file").inputs.create,
      `bash scripts/host/image-fetch.sh /var/cache/mirlab/images 'https://images.example/a.qcow2?b&c' ${digest} qcow2 20`,
    );
  });

  it("installs the packages that a foreign image lacks at the first boot", () => {
    const packages = resourceNamed("mir-vm-seed").inputs.packages as string[];
    assert.ok(packages.includes("mir-test-tools"));
  });
});

describe("a lab of guests with Lomiri", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const url = "https://images.example/a.qcow2";
  const session = { kind: "lomiri" };
  before(async () => {
    host({ image: `${url} ok` });
    const guests = [
      { name: "made", session, image: { source: "debian", packages: ["htop"] } },
      { name: "foreign", session, image: { source: "url", url, digest } },
      { name: "plain" },
    ];
    await run({ guests });
  });

  it("has it in the built image, and in no other guest's image", () => {
    const image = (name: string): string =>
      resourceNamed(`${name}-image-file`).inputs.create as string;
    assert.match(image("made"), / htop lomiri-desktop-session$/);
    assert.doesNotMatch(image("plain"), /lomiri/);
  });

  it("installs it at the first boot of a foreign image only", () => {
    const packages = (name: string): string[] =>
      resourceNamed(`${name}-vm-seed`).inputs.packages as string[];
    assert.ok(packages("foreign").includes("lomiri-desktop-session"));
    assert.ok(packages("foreign").includes("mir-test-tools"));
    assert.deepEqual(packages("made"), []);
  });

  it("starts it as the session, with the script for Lomiri", () => {
    const unit = resourceNamed("made-session-unit").inputs;
    assert.equal(unit.create, "sudo -n bash -s -- install --lomiri");
    assert.match(unit.stdin as string, /^install_lomiri\(\)/m);
  });
});

describe("a faulty lab", () => {
  it("is refused with all faults of its configuration, before anything is touched", async () => {
    host();
    await failsWith(
      { guests: [{ name: "Mir", vcpu: 2 }], hots: {} },
      [
        "Pulumi.dev.yaml: 3 fault(s); nothing was touched",
        `  mirlab:guests[0].name: found "Mir"; need lower-case letters, digits and inner hyphens, 1 to 32 characters`,
        "  mirlab:guests[0].vcpu: unknown key; did you mean 'vcpus'?",
        "  mirlab:hots: unknown key; did you mean 'host'?",
      ].join("\n"),
    );
  });

  it("is refused with all faults of its host, before anything is touched", async () => {
    host({ memoryAvailableMiB: "1000", dataFreeMiB: "10" });
    await failsWith(
      { guests: [{ name: "mir" }] },
      [
        "the host is not ready for this lab: 2 fault(s); nothing was touched",
        "  guests[].memoryMiB: memory: found 1000 MiB available; need 2048 MiB for guests and 512 MiB for the host; fix: lower guests[].memoryMiB, or end other programs",
        "  host.dataDir: disk: found 10 MiB free at /var/lib/mirlab; need 4000 MiB; fix: make room, or set host.dataDir to a folder on a larger disk",
      ].join("\n"),
    );
  });

  it("is refused on a QEMU without QXL, before anything is touched", async () => {
    const can = fixture("domcapabilities-no-qxl.libvirt-9.0.0.qemu-7.2.22.xml");
    host({ emulator: `qemu ${Buffer.from(can).toString("base64")}` });
    await failsWith(
      { guests: [{ name: "mir" }] },
      [
        "the host is not ready for this lab: 1 fault(s); nothing was touched",
        "  emulator-qxl: found vga cirrus vmvga virtio none bochs ramfb; need qxl in /usr/bin/qemu-system-x86_64 for pc-q35-7.2; fix: sudo apt-get install --reinstall qemu-system-common",
      ].join("\n"),
    );
  });
});

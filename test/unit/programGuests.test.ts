import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { definition, failsWith, host, outputsOf, run, shown, xslt } from "./program";
import { mockEngine, registered, resourceNamed } from "./pulumi";
import { fixture } from "./support";

mockEngine(outputsOf);
before(() => host());

describe("a lab of two guests, one on the lab's network", () => {
  before(async () => {
    host({ share: "/srv/mir|folder|yes|-|/srv/mir" });
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
    assert.match(image("made"), / htop lomiri-desktop-session qtwayland5 lomiri-keyboard-english$/);
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
        "  guests[].memoryMiB: memory: found 1000 MiB available; need 2048 MiB for guests and 512 MiB for the host; fix: lower guests[].memoryMiB, end other programs, or set host.memory to overcommit",
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
        "  emulator-video: found vga cirrus vmvga virtio none bochs ramfb; need qxl in /usr/bin/qemu-system-x86_64 for pc-q35-7.2; fix: sudo apt-get install --reinstall qemu-system-common",
      ].join("\n"),
    );
  });
});

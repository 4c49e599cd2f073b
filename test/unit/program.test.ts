import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { definition, host, labs, outputsOf, PRIVATE, run, shown, tree } from "./program";
import { mockEngine, providerOf, registered, resourceNamed, UNKNOWN } from "./pulumi";
import { ROOT } from "./support";

mockEngine(outputsOf);
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

  it("protects a root disk, and has no name for two of them", () => {
    const { protect, deleteBeforeReplace } = resourceNamed("mir-vm-disk");
    assert.deepEqual([protect, deleteBeforeReplace], [true, false]);
  });

  it("deletes libvirt's resources before it replaces them", () => {
    for (const name of ["mir-vm-seed", "mir-vm-domain", "host-pool"]) {
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

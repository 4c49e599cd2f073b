import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DomainSpec, domainXml } from "../../../../components/domain/definition";
import { childrenOf, firstAt } from "../../../../core/xml";
import { fixture, Plain, plainOf, rootOf } from "../../support";

const SPEC: DomainSpec = {
  name: "mirlab-dev-mir",
  stack: "dev",
  guest: "mir",
  type: "qemu",
  memoryMiB: 2048,
  vcpus: 2,
  mac: "52:54:00:01:02:03",
  disk: "/var/lib/mirlab/dev/pool/disk.qcow2",
  seed: "/var/lib/mirlab/dev/pool/seed.iso",
  serialLog: "/var/lib/mirlab/dev/log/mir.serial.log",
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: true },
  network: { mode: "user", sshPort: 20022 },
  share: { path: "/srv/mir", tag: "share", readonly: false },
};

const domain = (change: Partial<DomainSpec> = {}) => rootOf(domainXml({ ...SPEC, ...change }));

/** The devices of a kind, as data. */
function devices(root: ReturnType<typeof rootOf>, name: string): Plain[] {
  const all = firstAt(root, "devices");
  assert.ok(all);
  return childrenOf(all, name).map((device) => plainOf(device));
}

/** A leaf element as data. */
function leaf(name: string, attributes: Record<string, string> = {}, ...children: string[]): Plain {
  return { name, attributes, children };
}

describe("domainXml", () => {
  it("shows its screen by SPICE on loopback only", () => {
    assert.deepEqual(devices(domain(), "graphics"), [
      {
        name: "graphics",
        attributes: { type: "spice", port: "5901", autoport: "no", listen: "127.0.0.1" },
        children: [
          leaf("listen", { type: "address", address: "127.0.0.1" }),
          leaf("image", { compression: "off" }),
          leaf("clipboard", { copypaste: "no" }),
          leaf("filetransfer", { enable: "yes" }),
        ],
      },
    ]);
  });

  it("has one QXL card with explicit memory", () => {
    const model = { type: "qxl", ram: "65536", vram: "65536", vgamem: "16384", heads: "1" };
    assert.deepEqual(devices(domain(), "video"), [
      { name: "video", attributes: {}, children: [leaf("model", { ...model, primary: "yes" })] },
    ]);
  });

  it("has another video model if declared: virtio without sizes, bochs with the memory that QEMU gives it", () => {
    const model = (word: "virtio" | "bochs") =>
      devices(domain({ video: { ...SPEC.video, model: word } }), "video").map((d) => d.children);
    const one = { heads: "1", primary: "yes" };
    assert.deepEqual(model("virtio"), [[leaf("model", { type: "virtio", ...one })]]);
    assert.deepEqual(model("bochs"), [[leaf("model", { type: "bochs", vram: "16384", ...one })]]);
  });

  it("has SPICE's channel, the guest agent's, a tablet and a keyboard", () => {
    assert.deepEqual(
      devices(domain(), "channel").map(({ attributes, children }) => [attributes, children]),
      [
        [{ type: "spicevmc" }, [leaf("target", { type: "virtio", name: "com.redhat.spice.0" })]],
        [{ type: "unix" }, [leaf("target", { type: "virtio", name: "org.qemu.guest_agent.0" })]],
      ],
    );
    assert.deepEqual(
      devices(domain(), "input").map((d) => d.attributes.type),
      ["tablet", "keyboard"],
    );
  });

  it("shares the folder by 9p in mode 'mapped', read-only if declared", () => {
    const source = leaf("source", { dir: "/srv/mir" });
    const target = leaf("target", { dir: "share" });
    const attributes = { type: "mount", accessmode: "mapped" };
    assert.deepEqual(devices(domain(), "filesystem"), [
      { name: "filesystem", attributes, children: [source, target] },
    ]);
    const readonly = { path: "/srv/mir", tag: "share", readonly: true };
    assert.deepEqual(devices(domain({ share: readonly }), "filesystem"), [
      { name: "filesystem", attributes, children: [source, target, leaf("readonly")] },
    ]);
    const none = { ...SPEC };
    delete (none as { share?: unknown }).share;
    assert.deepEqual(devices(rootOf(domainXml(none)), "filesystem"), []);
  });

  it("forwards SSH from loopback and keeps the MAC address, without any host network", () => {
    const root = domain();
    assert.deepEqual(devices(root, "interface"), []);
    const commandline = firstAt(root, "qemu:commandline");
    assert.ok(commandline);
    assert.deepEqual(
      childrenOf(commandline, "qemu:arg").map((a) => a.getAttribute("value")),
      [
        "-netdev",
        "user,id=mirlab0,hostfwd=tcp:127.0.0.1:20022-:22",
        "-device",
        "virtio-net-pci,netdev=mirlab0,mac=52:54:00:01:02:03,bus=pcie.0,addr=0x1e",
      ],
    );
  });

  it("joins a declared libvirt network, and then passes QEMU no arguments", () => {
    const root = domain({ network: { mode: "nat", name: "mirlab-dev" } });
    assert.equal(firstAt(root, "qemu:commandline"), undefined);
    assert.deepEqual(devices(root, "interface"), [
      {
        name: "interface",
        attributes: { type: "network" },
        children: [
          leaf("mac", { address: SPEC.mac }),
          leaf("source", { network: "mirlab-dev" }),
          leaf("model", { type: "virtio" }),
        ],
      },
    ]);
  });

  it("passes the host's processor through under KVM only", () => {
    assert.equal(firstAt(domain({ type: "kvm" }), "cpu")?.getAttribute("mode"), "host-passthrough");
    assert.equal(domain({ type: "kvm" }).getAttribute("type"), "kvm");
    assert.equal(firstAt(domain(), "cpu"), undefined);
    assert.equal(domain().getAttribute("type"), "qemu");
  });

  it("boots the disk, and never writes to the seed", () => {
    const [disk, seed, ...more] = devices(domain(), "disk");
    assert.deepEqual(more, []);
    assert.ok(disk?.children.some((c) => typeof c !== "string" && c.attributes.file === SPEC.disk));
    assert.equal(seed?.attributes.device, "cdrom");
    assert.deepEqual(seed.children.at(-1), leaf("readonly"));
  });

  it("is marked as this lab's", () => {
    assert.equal(firstAt(domain(), "metadata", "mirlab:owner", "mirlab:stack")?.textContent, "dev");
    assert.equal(firstAt(domain(), "metadata", "mirlab:owner", "mirlab:guest")?.textContent, "mir");
  });

  it("carries hostile names as text", () => {
    const name = `"/><evil a='&`;
    const root = domain({ name, serialLog: name });
    assert.equal(firstAt(root, "name")?.textContent, name);
    assert.equal(firstAt(root, "devices", "serial", "log")?.getAttribute("file"), name);
    assert.equal(root.getElementsByTagName("evil").length, 0);
  });
});

describe("the page's hardware in libvirt's own words", () => {
  const theirs = rootOf(fixture("dumpxml-inactive.libvirt-9.0.0.xml"));

  /** An element without what libvirt adds when it defines a domain. */
  const bare = ({ name, attributes, children }: Plain): Plain => ({
    name,
    attributes,
    children: children.filter((c) => typeof c === "string" || c.name !== "address"),
  });

  it("is what libvirt keeps of the definition", () => {
    const ours = domain();
    assert.deepEqual(devices(theirs, "video").map(bare), devices(ours, "video"));
    const names = (all: Plain[]) =>
      all.flatMap((c) => bare(c).children).map((c) => (c as Plain).attributes.name);
    assert.deepEqual(
      names(devices(theirs, "channel")).sort(),
      names(devices(ours, "channel")).sort(),
    );
    assert.deepEqual(
      devices(theirs, "filesystem").map((f) => f.attributes),
      [{ type: "mount", accessmode: "mapped" }],
    );
  });

  it("is what QEMU supports according to libvirt", () => {
    const capable = rootOf(fixture("domcapabilities-q35.libvirt-9.0.0.qemu-7.2.22.xml"));
    const values = (device: string, name: string): string[] => {
      const choice = firstAt(capable, "devices", device);
      const found =
        choice && childrenOf(choice, "enum").find((e) => e.getAttribute("name") === name);
      return found ? childrenOf(found, "value").map((v) => v.textContent ?? "") : [];
    };
    assert.ok(values("graphics", "type").includes("spice"));
    assert.ok(values("video", "modelType").includes("qxl"));
    assert.ok(values("channel", "type").includes("spicevmc"));
    assert.equal(firstAt(capable, "devices", "filesystem")?.getAttribute("supported"), "yes");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { deviceElement, domainFactsOf } from "../../../../components/domain/facts";
import { toXml, Tree } from "../../../../core/xml";
import { fixture } from "../../support";

const INACTIVE = fixture("dumpxml-inactive.libvirt-9.0.0.xml");
const LIVE = fixture("dumpxml-live.libvirt-9.0.0.xml");

/** Paths in which two definitions differ. */
function different(a: string, b: string): string[] {
  const [x, y] = [domainFactsOf(a), domainFactsOf(b)];
  return [...new Set([...Object.keys(x), ...Object.keys(y)])].filter((path) => x[path] !== y[path]);
}

describe("the facts of a definition", () => {
  it("are named as in libvirt", () => {
    const facts = domainFactsOf(INACTIVE);
    const expected = {
      type: "qemu",
      memory: "2097152 KiB",
      vcpu: "2",
      "os/type.machine": "pc-q35-7.2",
      "features/acpi": "present",
      "disk[vda]/source.file": "/var/lib/libvirt/mirlab-h3/disk.qcow2",
      "disk[sda]/readonly": "present",
      "filesystem[share].accessmode": "mapped",
      "channel[com.redhat.spice.0].type": "spicevmc",
      "graphics[spice]/listen.address": "127.0.0.1",
      "video/model.vgamem": "16384",
      "qemu:commandline/qemu:arg[2].value": "-device",
    };
    for (const [path, value] of Object.entries(expected)) assert.equal(facts[path], value, path);
  });

  it("have nothing that libvirt chooses at every start", () => {
    for (const xml of [INACTIVE, LIVE]) {
      const text = JSON.stringify(domainFactsOf(xml));
      assert.doesNotMatch(text, /alias|\/dev\/pts|domain-3-|0x0000|03477bcd|connected|\+64055/);
    }
  });

  it("have no socket that libvirt named after the running domain's id, and keep a declared one", () => {
    const channel = (path: string): string =>
      `<domain><devices><channel type='unix'><source mode='bind' path='${path}'/>` +
      `<target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>`;
    const sockets = (start: number): string[] => [
      `/var/lib/libvirt/qemu/channel/target/domain-${start}-mir/org.qemu.guest_agent.0`,
      `/run/libvirt/qemu/channel/${start}-mir/org.qemu.guest_agent.0`,
      `/home/u/.config/libvirt/qemu/lib/channel/${start}-mir/org.qemu.guest_agent.0`,
    ];
    sockets(1).forEach((socket, i) => {
      assert.deepEqual(different(channel(socket), channel(sockets(22)[i] ?? "")), [], socket);
    });
    assert.deepEqual(different(channel("/srv/libvirt/1-mir/s"), channel("/srv/libvirt/2-mir/s")), [
      "channel[org.qemu.guest_agent.0]/source.path",
    ]);
  });

  it("of the persistent and the live definition differ only in what the start adds", () => {
    assert.deepEqual(different(INACTIVE, LIVE).sort(), [
      "cpu.check",
      "cpu/feature[hypervisor].name",
      "cpu/feature[hypervisor].policy",
      "cpu/feature[lahf_lm].name",
      "cpu/feature[lahf_lm].policy",
      "disk[sda]/backingStore",
      "disk[vda]/backingStore.type",
      "disk[vda]/backingStore/backingStore",
      "disk[vda]/backingStore/format.type",
      "disk[vda]/backingStore/source.file",
      "resource/partition",
      "seclabel.model",
      "seclabel.relabel",
      "seclabel.type",
    ]);
  });

  const edits: [string, RegExp, string, string[]][] = [
    ["the video model", /type='qxl'/, "type='cirrus'", ["video/model.type"]],
    ["QXL's memory", /vgamem='16384'/, "vgamem='8192'", ["video/model.vgamem"]],
    ["a folder", /share'\/>\s*<target/, "x'/><target", ["filesystem[share]/source.dir"]],
    [
      "the listener",
      /address='127\.0\.0\.1'/,
      "address='0.0.0.0'",
      ["graphics[spice]/listen.address"],
    ],
    ["what runs on a crash", /<on_crash>destroy/, "<on_crash>preserve", ["on_crash"]],
    ["a word of QEMU's command line", /-:22/, "-:23", ["qemu:commandline/qemu:arg[1].value"]],
    [
      "an element that this project does not know",
      /<clock/,
      "<description>x</description><clock",
      ["description"],
    ],
    ["the place on a bus", /bus='0x04'/, "bus='0x09'", []],
    [
      "the order of two devices",
      /(<input type='tablet'[^]*?<\/input>)\s*(<input type='keyboard'[^]*?<\/input>)/,
      "$2$1",
      [],
    ],
    ["blanks", /<features>/, "<features>\n\n", []],
  ];
  for (const [what, pattern, replacement, paths] of edits) {
    it(`${paths.length === 0 ? "ignore" : "show"} an edit of ${what}`, () => {
      const edited = INACTIVE.replace(pattern, replacement);
      assert.notEqual(edited, INACTIVE);
      assert.deepEqual(different(INACTIVE, edited), paths);
    });
  }

  it("compare sizes and not their units", () => {
    const gib = INACTIVE.replace("<memory unit='KiB'>2097152", "<memory unit='GiB'>2");
    assert.deepEqual(different(INACTIVE, gib), []);
    const plain = INACTIVE.replace("<memory unit='KiB'>", "<memory>");
    assert.deepEqual(different(INACTIVE, plain), []);
    const less = INACTIVE.replace("<memory unit='KiB'>2097152", "<memory unit='MiB'>2047");
    assert.deepEqual(different(INACTIVE, less), ["memory"]);
  });

  it("leave out a port that libvirt chose, and keep a declared one", () => {
    const graphics = (port: number, auto: string): string =>
      `<domain><devices><graphics type='spice' port='${port}' autoport='${auto}'/></devices></domain>`;
    assert.deepEqual(different(graphics(5900, "yes"), graphics(5901, "yes")), []);
    assert.deepEqual(different(graphics(5900, "no"), graphics(5901, "no")), [
      "graphics[spice].port",
    ]);
  });

  it("show whether a password is the lab's, but not the password", () => {
    const graphics = (rest: string): string =>
      `<domain><devices><graphics type='spice'${rest}/></devices></domain>`;
    assert.deepEqual(different(graphics(""), graphics(" passwd='hunter2'")), [
      "graphics[spice].passwd",
    ]);
    const passwd = (ticket?: string): string | undefined =>
      domainFactsOf(graphics(" passwd='hunter2'"), ticket)["graphics[spice].passwd"];
    assert.deepEqual(["hunter2", "hunter3", undefined].map(passwd), [
      "the lab's ticket",
      "another",
      "another",
    ]);
    assert.equal(domainFactsOf(graphics(""), "hunter2")["graphics[spice].passwd"], undefined);
  });

  it("distinguish siblings, also those without a name", () => {
    const facts = domainFactsOf(
      "<domain><devices><hostdev mode='a'/><hostdev mode='b'/><video><model type='qxl'/></video>" +
        "<video><model type='vga'/></video></devices></domain>",
    );
    assert.deepEqual(facts, {
      "hostdev.mode": "a",
      "hostdev[1].mode": "b",
      "video/model.type": "qxl",
      "video[1]/model.type": "vga",
    });
  });

  it("refuse any other document", () => {
    for (const text of ["", "<network/>", "<domain>", "<!DOCTYPE domain><domain/>"]) {
      assert.throws(() => domainFactsOf(text));
    }
  });

  it("have every text and attribute", () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    // Names that are not on the list of what libvirt chooses at a start.
    const name = word.filter((n) => !["alias", "address", "label", "uuid", "source"].includes(n));
    const attributes = fc.dictionary(fc.constantFrom("a", "b"), word, { noNullPrototype: true });
    const around = (inner: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> =>
      fc
        .tuple(name, attributes, fc.array(inner, { maxLength: 3 }))
        .map(([n, own, children]): Tree => [n, own, ...children]);
    const leaf = fc.tuple(name, attributes).map(([n, own]): Tree => [n, own]);
    const tree = around(around(leaf));
    fc.assert(
      fc.property(fc.array(tree, { minLength: 1, maxLength: 4 }), (nodes) => {
        const count = (t: Tree): number =>
          Object.keys(t[1] ?? {}).length +
          t.slice(2).reduce((sum: number, c) => sum + count(c as Tree), 0);
        const facts = domainFactsOf(toXml(["domain", {}, ...nodes]));
        const values = Object.entries(facts).filter(([, value]) => value !== "present");
        assert.equal(
          values.length,
          nodes.reduce((sum, t) => sum + count(t), 0),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe("deviceElement", () => {
  it("finds a device by its name in the facts", () => {
    assert.equal(deviceElement(LIVE, "disk[sda]")?.getAttribute("device"), "cdrom");
    assert.equal(deviceElement(LIVE, "input[mouse-ps2]")?.getAttribute("bus"), "ps2");
    assert.equal(deviceElement(LIVE, "video")?.nodeName, "video");
    assert.equal(deviceElement(LIVE, "disk[vdz]"), undefined);
  });
});

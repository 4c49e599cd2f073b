import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { definitionDrift, driftText, notHeld, rebased } from "../../../../components/domain/drift";
import { Facts } from "../../../../components/domain/facts";

const HELD: Facts = {
  memory: "2097152 KiB",
  currentMemory: "2097152 KiB",
  vcpu: "2",
  "video/model.type": "qxl",
  "disk[vda]/source.file": "/pool/disk.qcow2",
  "disk[sda]/source.file": "/pool/seed.iso",
  "graphics[spice].listen": "127.0.0.1",
  "interface[52:54:00:00:00:01].type": "network",
};

/** The drift of a change of the definition and of the running domain, in words. */
function drift(persistent: Facts, live?: Facts): string[] {
  const now = { persistent: { ...HELD, ...persistent } };
  const running = live === undefined ? {} : { live: { ...HELD, ...live } };
  return definitionDrift({ persistent: HELD, live: HELD }, { ...now, ...running }).map(driftText);
}

/** The facts without those of a device. */
const without = (device: string): Facts =>
  Object.fromEntries(Object.entries(HELD).filter(([path]) => !path.startsWith(device)));

describe("drift of a definition, in words", () => {
  it("reports the whole chain of another disk as not healed", () => {
    const other = { "disk[vda]/source.file": "/pool/disk.snap" };
    const lines = drift(other, {
      ...other,
      "disk[vda]/backingStore/source.file": "/pool/disk.qcow2",
    });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /; not healed: it would lose/);
  });

  it("is none if nothing differs", () => {
    assert.deepEqual(drift({}, {}), []);
    assert.deepEqual(drift({}), []);
  });

  it("is none if an older baseline has a socket of that start, which facts of today leave out", () => {
    const socket = "channel[org.qemu.guest_agent.0]/source";
    const target = { "channel[org.qemu.guest_agent.0]/target.type": "virtio" };
    const was = {
      ...{ ...HELD, ...target, [`${socket}.mode`]: "bind" },
      [`${socket}.path`]: "/run/libvirt/qemu/channel/2-mir/org.qemu.guest_agent.0",
    };
    const now = { persistent: HELD, live: { ...HELD, ...target } };
    assert.deepEqual(definitionDrift({ persistent: HELD, live: was }, now), []);
    const other = { ...was, [`${socket}.path`]: "/srv/agent.sock" };
    assert.equal(definitionDrift({ persistent: HELD, live: other }, now).length, 2);
  });

  const table: [string, Facts, Facts | undefined, string][] = [
    [
      "an edit that waits for the next start",
      { "video/model.type": "cirrus" },
      {},
      "video/model.type: declared qxl, persistent cirrus, live qxl; healed in the definition alone",
    ],
    [
      "an edit of a domain that does not run",
      { memory: "1048576 KiB" },
      undefined,
      "memory: declared 2097152 KiB, persistent 1048576 KiB; healed in the definition alone",
    ],
    [
      "an edit that a start has applied",
      { "video/model.type": "cirrus" },
      { "video/model.type": "cirrus" },
      "video/model.type: declared qxl, persistent cirrus, live cirrus; healed by a clean power cycle",
    ],
    [
      "a change of the running domain alone",
      {},
      { currentMemory: "1048576 KiB" },
      "currentMemory: declared 2097152 KiB, persistent 2097152 KiB, live 1048576 KiB; healed while it runs",
    ],
    [
      "an ejected seed",
      {},
      { "disk[sda]/source.file": "/tmp/other.iso" },
      "disk[sda]/source.file: declared /pool/seed.iso, persistent /pool/seed.iso, live /tmp/other.iso; healed while it runs",
    ],
    [
      "a plugged device, as one line",
      {},
      { "hostdev.mode": "subsystem", "hostdev.type": "usb" },
      "hostdev: declared absent, persistent absent, live present; healed while it runs",
    ],
    [
      "a plugged disk, which may carry data",
      {},
      { "disk[vdb]/source.file": "/x" },
      "disk[vdb]: declared absent, persistent absent, live present; healed by a clean power cycle",
    ],
    [
      "an overlay of the root disk",
      { "disk[vda]/source.file": "/pool/snap" },
      { "disk[vda]/source.file": "/pool/snap" },
      "disk[vda]/source.file: declared /pool/disk.qcow2, persistent /pool/snap, live /pool/snap; not healed: it would lose what the guest has written",
    ],
  ];
  for (const [what, persistent, live, words] of table) {
    it(`reports ${what}`, () => assert.deepEqual(drift(persistent, live), [words]));
  }

  it("reports a removed device as one line, in the definition that lacks it", () => {
    const now = { persistent: without("graphics"), live: HELD };
    assert.deepEqual(definitionDrift({ persistent: HELD, live: HELD }, now).map(driftText), [
      "graphics[spice]: declared present, persistent absent, live present; healed in the definition alone",
    ]);
  });

  it("reports several differences in the order of their names", () => {
    const fields = definitionDrift(
      { persistent: HELD },
      { persistent: { ...without("video"), vcpu: "1", description: "mine" } },
    ).map((item) => item.field);
    assert.deepEqual(fields, ["description", "vcpu", "video"]);
  });
});

describe("notHeld", () => {
  it("ignores undeclared facts", () => {
    assert.deepEqual(notHeld({ vcpu: "2" }, HELD), []);
  });
  it("accepts the machine that an alias resolves to, and no other", () => {
    const declared = { "os/type.machine": "q35" };
    assert.deepEqual(notHeld(declared, { "os/type.machine": "pc-q35-7.2" }), []);
    assert.deepEqual(notHeld(declared, { "os/type.machine": "pc-i440fx-7.2" }), [
      "os/type.machine: declared q35, found pc-i440fx-7.2",
    ]);
  });
  it("names different and missing facts", () => {
    assert.deepEqual(notHeld({ vcpu: "4", "rng.model": "virtio" }, HELD), [
      "vcpu: declared 4, found 2",
      "rng.model: declared virtio, found absent",
    ]);
  });
});

describe("rebased", () => {
  it("takes over undeclared facts, and keeps declared ones", () => {
    const now = { memory: "1 KiB", "cpu.check": "full" };
    assert.deepEqual(rebased({ memory: "2 KiB", audio: "1" }, now, { memory: "2 KiB" }), {
      memory: "2 KiB",
      "cpu.check": "full",
    });
  });
});

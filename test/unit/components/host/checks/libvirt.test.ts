import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostFacts } from "../../../../../components/host/facts";
import { fixture } from "../../../support";
import { CAPABILITIES, faults, fully, HOST, lab, told } from "./host";

/** Real answers, of a QEMU without some of its modules. */
const NO_SPICE = fixture("domcapabilities-no-spice.libvirt-9.0.0.qemu-7.2.22.xml");
const NO_QXL = fixture("domcapabilities-no-qxl.libvirt-9.0.0.qemu-7.2.22.xml");
const IN = "in /usr/bin/qemu-system-x86_64 for pc-q35-7.2";

describe("checkHost, of libvirt", () => {
  const table: [string, Partial<HostFacts>, string[]][] = [
    [
      "that refuses this user",
      { libvirt: "denied", emulators: {} },
      [
        "fail - libvirt: found denied, need a connection to qemu:///system, or leave to set it up; join its group with 'sudo adduser $USER libvirt' and log in again",
      ],
    ],
    [
      "that is not there yet",
      { libvirt: "absent", emulators: {} },
      ["info - libvirt: not installed yet; 'npm run up' installs it"],
    ],
    [
      "that is down",
      { libvirt: "down", emulators: {} },
      ["info - libvirt: installed, not running; 'npm run up' starts it"],
    ],
    [
      "that is too busy to answer, which is not down",
      { libvirt: "silent", emulators: {} },
      [
        "warn - libvirt: found no answer in 60 s, need a connection to qemu:///system, or leave to set it up; wait until it is less busy, or see why: virsh --connect qemu:///system list",
      ],
    ],
    [
      "that knows no emulator",
      { emulators: {} },
      [
        "fail - emulator: found no answer to 'virsh domcapabilities --machine q35 --virttype qemu', need an emulator that libvirt knows, with the machine q35; sudo apt-get install --reinstall qemu-system-x86",
      ],
    ],
    [
      "of which a preview does not know whether it has QEMU yet",
      { emulators: {}, full: undefined },
      [],
    ],
    [
      "whose QEMU has no SPICE",
      { emulators: { qemu: NO_SPICE } },
      [
        `fail - emulator-spice: found sdl vnc egl-headless dbus, need spice ${IN}; sudo apt-get install --reinstall qemu-system-common`,
        `fail - emulator-qxl: found vga cirrus vmvga virtio none bochs ramfb, need qxl ${IN}; sudo apt-get install --reinstall qemu-system-common`,
        `fail - emulator-channel: found pty unix, need spicevmc ${IN}; sudo apt-get install --reinstall qemu-system-common`,
      ],
    ],
    [
      "whose QEMU has no QXL, where that is a package of its own",
      { emulators: { qemu: NO_QXL }, suite: "trixie" },
      [
        `fail - emulator-qxl: found vga cirrus vmvga virtio none bochs ramfb, need qxl ${IN}; sudo apt-get install qemu-system-modules-spice`,
      ],
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(`tells of one ${what}`, () => assert.deepEqual(faults(facts), expected));
  }

  it("takes 9p from QEMU's own list: libvirt tells of it whether it is there or not", () => {
    const devices = ["vhost-user-fs-pci"];
    const virtiofs = "virtiofs: /usr/libexec/virtiofsd";
    assert.match(CAPABILITIES, /<value>path<\/value>/);
    assert.deepEqual(told(fully({ devices })), [
      `fail guests[0].share.enabled emulator-share: found no device virtio-9p-pci, which is 9p; ${virtiofs}, need QEMU's device virtio-9p-pci, by 'qemu-system-x86_64 -device help'; sudo apt-get install --reinstall qemu-system-x86, or set share.enabled: false`,
    ]);
    assert.deepEqual(told(fully({ devices }, lab({ share: { enabled: false } }))), [
      `info - emulator-share: no device virtio-9p-pci, which is 9p; ${virtiofs}`,
    ]);
  });

  it("does not ask for virtiofs", () => {
    assert.deepEqual(told(fully({ devices: ["virtio-9p-pci"], virtiofsd: "" })), []);
  });

  const sockets: [string, string, string[]][] = [
    ["777", "default", []],
    ["777", "polkit", []],
    ["770", "none", []],
    ["777", "unknown", ["info"]],
    ["777", "none", ["fail"]],
    ["666", "none", ["fail"]],
  ];
  for (const [mode, auth, severities] of sockets) {
    it(`of a socket of mode ${mode} with auth_unix_rw ${auth}: ${severities.join() || "ok"}`, () => {
      const found = fully({ socket: { mode, auth } });
      assert.deepEqual(
        found.flatMap((f) => (f.severity === "ok" ? [] : [f.severity])),
        severities,
      );
    });
  }

  it("says what is installed", () => {
    assert.equal(HOST.libvirtVersion, "9.0.0");
    const [first] = fully({}).filter(({ id }) => id === "libvirt");
    assert.equal(first?.found, "libvirt 9.0.0, QEMU 7.2.22");
  });
});

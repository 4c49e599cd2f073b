import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Lab } from "../../../../../config/schema";
import { HostFacts } from "../../../../../components/host/facts";
import { fixture } from "../../../support";
import { CAPABILITIES, faults, FULL, fully, HOST, lab, labOn, texts } from "./host";

/** Real answers of a QEMU without some of its modules. */
const NO_SPICE = fixture("domcapabilities-no-spice.libvirt-9.0.0.qemu-7.2.22.xml");
const NO_QXL = fixture("domcapabilities-no-qxl.libvirt-9.0.0.qemu-7.2.22.xml");
const IN = "in /usr/bin/qemu-system-x86_64 for pc-q35-7.2";

describe("checkHost, of libvirt", () => {
  const table: [string, Partial<HostFacts>, string[]][] = [
    [
      "that refuses this user",
      { libvirt: "denied", emulators: {}, rights: "none" },
      [
        "fail - host-rights: found user ada, rights: none; need root's rights for packages, libvirt and folders of a new lab; fix: run 'lab up' at a terminal, where sudo asks for the password once; run it as root; or let sudo ask this user for no password",
        "fail - libvirt: found access denied; need an answer from qemu:///system; fix: sudo adduser $USER libvirt; where that does not do, log in again",
      ],
    ],
    [
      "that refuses a user whom sudo makes a member of its group",
      { libvirt: "denied", emulators: {}, rights: "sudo" },
      ["info - libvirt: access denied; 'npm run up' adds ada to the group libvirt"],
    ],
    [
      "that is not installed yet",
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
        "warn - libvirt: found no answer in 60 s; need an answer from qemu:///system; fix: wait until libvirt is less busy, or see why: virsh --connect qemu:///system list",
      ],
    ],
    [
      "that knows no emulator",
      { emulators: {} },
      [
        "fail - emulator: found no answer to 'virsh domcapabilities --machine q35 --virttype qemu'; need an emulator for the machine q35; fix: sudo apt-get install --reinstall qemu-system-x86",
      ],
    ],
    [
      "perhaps without QEMU, which a preview does not check",
      { emulators: {}, full: undefined },
      [],
    ],
    [
      "with a QEMU without SPICE",
      { emulators: { qemu: NO_SPICE } },
      [
        `fail - emulator-spice: found sdl vnc egl-headless dbus; need spice ${IN}; fix: sudo apt-get install --reinstall qemu-system-common`,
        `fail - emulator-video: found vga cirrus vmvga virtio none bochs ramfb; need qxl ${IN}; fix: sudo apt-get install --reinstall qemu-system-common`,
        `fail - emulator-channel: found pty unix; need spicevmc ${IN}; fix: sudo apt-get install --reinstall qemu-system-common`,
      ],
    ],
    [
      "with a QEMU without QXL, on a suite with a package for it",
      { emulators: { qemu: NO_QXL }, suite: "trixie" },
      [
        `fail - emulator-video: found vga cirrus vmvga virtio none bochs ramfb; need qxl ${IN}; fix: sudo apt-get install qemu-system-modules-spice`,
      ],
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(`reports one ${what}`, () => assert.deepEqual(faults(facts), expected));
  }

  it("does not fail for a removed part of QEMU that `up` installs again", () => {
    const spice = "qemu-system-modules-spice";
    const packages = [{ name: spice, version: undefined, named: undefined }];
    const full = { ...FULL, packages: [...FULL.packages, ...packages] };
    const facts = { emulators: { qemu: NO_QXL }, suite: "trixie", full };
    const qxl = (of?: Lab) => faults(facts, of).filter((line) => line.includes("emulator-video"));
    assert.deepEqual(qxl(), [
      `info - emulator-video: vga cirrus vmvga virtio none bochs ramfb; 'npm run up' installs ${spice}`,
    ]);
    assert.match(qxl(labOn({ packages: "check" }, {})).join(), /^fail - emulator-video/);
  });

  it("asks for the video models that the guests have: a virtio guest needs no QXL", () => {
    const of = labOn({}, { video: { model: "virtio" } });
    const lines = faults({ emulators: { qemu: NO_QXL } }, of);
    assert.deepEqual(
      lines.filter((line) => line.includes("emulator-video")),
      [],
    );
  });

  it("names the packages of the model that is missing: QXL's has no other", () => {
    const qemu = NO_QXL.replace("<value>bochs</value>", "");
    const of = labOn({}, { video: { model: "bochs" } });
    assert.match(
      faults({ emulators: { qemu }, suite: "trixie" }, of).join("\n"),
      /emulator-video: .*need bochs .*fix: sudo apt-get install --reinstall qemu-system-x86 qemu-system-common/,
    );
  });

  it("takes 9p from QEMU's own list, as libvirt always reports it", () => {
    const devices = ["vhost-user-fs-pci"];
    const virtiofs = "virtiofs: /usr/libexec/virtiofsd";
    assert.match(CAPABILITIES, /<value>path<\/value>/);
    assert.deepEqual(texts(fully({ devices })), [
      `fail guests[0].share.enabled emulator-share: found no 9p device (virtio-9p-pci), ${virtiofs}; need virtio-9p-pci in 'qemu-system-x86_64 -device help'; fix: sudo apt-get install --reinstall qemu-system-x86, or set share.enabled: false`,
    ]);
    assert.deepEqual(texts(fully({ devices }, lab({ share: { enabled: false } }))), [
      `info - emulator-share: no 9p device (virtio-9p-pci), ${virtiofs}`,
    ]);
  });

  it("does not require virtiofs", () => {
    assert.deepEqual(texts(fully({ devices: ["virtio-9p-pci"], virtiofsd: "" })), []);
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
    it(`judges a socket of mode ${mode} with auth_unix_rw ${auth}: ${severities.join() || "ok"}`, () => {
      const found = fully({ socket: { mode, auth } });
      assert.deepEqual(
        found.flatMap((f) => (f.severity === "ok" ? [] : [f.severity])),
        severities,
      );
    });
  }

  it("prints the installed versions", () => {
    assert.equal(HOST.libvirtVersion, "9.0.0");
    const [first] = fully({}).filter(({ id }) => id === "libvirt");
    assert.equal(first?.found, "libvirt 9.0.0, QEMU 7.2.22");
  });
});

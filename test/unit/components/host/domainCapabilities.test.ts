import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readDomainCapabilities } from "../../../../components/host/domainCapabilities";
import { fixture } from "../../support";

const read = (name: string) =>
  readDomainCapabilities(fixture(`domcapabilities-${name}.libvirt-9.0.0.qemu-7.2.22.xml`));

describe("readDomainCapabilities", () => {
  it("reads what Debian 12's emulator supports", () => {
    assert.deepEqual(read("q35"), {
      emulator: "/usr/bin/qemu-system-x86_64",
      machine: "pc-q35-7.2",
      graphics: ["sdl", "vnc", "spice", "egl-headless", "dbus"],
      video: ["vga", "cirrus", "vmvga", "qxl", "virtio", "none", "bochs", "ramfb"],
      channels: ["pty", "unix", "spicevmc"],
      rng: ["virtio", "virtio-transitional", "virtio-non-transitional"],
      filesystems: ["path", "handle", "virtiofs"],
    });
  });

  it("reads an emulator without its SPICE and QXL modules", () => {
    const { graphics, video, channels } = read("no-spice");
    assert.deepEqual([graphics, video, channels].flat().sort(), [
      ...["bochs", "cirrus", "dbus", "egl-headless", "none", "pty", "ramfb", "sdl", "unix"],
      ...["vga", "virtio", "vmvga", "vnc"],
    ]);
    assert.ok(read("no-qxl").graphics.includes("spice"));
    assert.ok(!read("no-qxl").video.includes("qxl"));
  });

  it("ignores the values of an unsupported device", () => {
    const xml = `<domainCapabilities><devices><graphics supported='no'><enum name='type'>
      <value>spice</value></enum></graphics></devices></domainCapabilities>`;
    assert.deepEqual(readDomainCapabilities(xml).graphics, []);
  });

  it("refuses any other document", () => {
    assert.throws(() => readDomainCapabilities("<capabilities/>"), {
      message: "virsh domcapabilities: found <capabilities>; need <domainCapabilities>",
    });
    assert.throws(() => readDomainCapabilities("error: no such thing"));
    assert.throws(() => readDomainCapabilities("<!DOCTYPE x><domainCapabilities/>"), /refused/);
  });
});

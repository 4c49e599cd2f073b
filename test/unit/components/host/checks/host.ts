// A host that passes all checks, and the findings on a changed one.
import assert from "node:assert/strict";
import { checkHost } from "../../../../../components/host/checks";
import { Finding, findingText } from "../../../../../components/host/checks/finding";
import { FullHostFacts, HostFacts } from "../../../../../components/host/facts";
import { readLab } from "../../../../../config/lab";
import { Lab } from "../../../../../config/schema";
import { fixture } from "../../../support";

export const CAPABILITIES = fixture("domcapabilities-q35.libvirt-9.0.0.qemu-7.2.22.xml");

export function lab(...guests: object[]): Lab {
  return labOn({}, ...guests);
}

export function labOn(host: object, ...guests: object[]): Lab {
  const named = guests.map((guest, i) => ({ name: `g${i}`, ...guest }));
  const { lab: read, faults } = readLab({ host, guests: named });
  assert.ok(read, JSON.stringify(faults));
  return read;
}

const installed = (name: string, version: string, ...named: string[]) => ({ name, version, named });

export const FULL: FullHostFacts = {
  packages: [
    installed("qemu-system-x86", "1:11.2.0+ds-1", "CVE-2026-93834", "CVE-2026-17588"),
    installed("libslirp0", "4.9.2-1"),
    installed("libspice-server1", "0.15.2-1"),
    installed("libvirt-daemon", "11.3.0-3"),
  ],
  kvmModules: ["kvm", "kvm_intel"],
  kvmDevice: "makes-vm",
  cpuFlags: ["vmx"],
  nested: "kvm_intel Y",
  product: "",
  udev: true,
  systemd: true,
  apparmor: true,
  secmodels: ["apparmor", "dac"],
  socket: { mode: "660", auth: "default" },
  devices: ["vhost-user-fs-pci", "virtio-9p-pci"],
  virtiofsd: "/usr/libexec/virtiofsd",
};

export const HOST: HostFacts = {
  os: "debian  12",
  suite: "bookworm",
  arch: "x86_64",
  rights: "sudo",
  user: "ada",
  memoryAvailableMiB: 8000,
  dataFreeMiB: 50000,
  cacheFreeMiB: 50000,
  dataClosed: "-",
  cacheClosed: "-",
  libvirt: "ok",
  libvirtVersion: "9.0.0",
  qemuVersion: "7.2.22",
  emulators: { qemu: CAPABILITIES, kvm: CAPABILITIES },
  running: [],
  defined: [],
  shares: [],
  ports: [],
  routes: [],
  networks: [],
  drops: [],
  images: [],
  full: FULL,
};

/** Findings of a host that differs in `facts`. */
export function findings(facts: Partial<HostFacts>, of = lab({})): Finding[] {
  return checkHost({ ...HOST, ...facts }, of, "dev");
}

/** As `findings`, for facts that only the doctor collects. */
export function fully(change: Partial<FullHostFacts>, of = lab({})): Finding[] {
  return findings({ full: { ...FULL, ...change } }, of);
}

/** The text of the findings that are not ok. */
export function texts(of: readonly Finding[]): string[] {
  return of
    .filter(({ severity }) => severity !== "ok")
    .map((finding) => `${finding.severity} ${finding.path ?? "-"} ${findingText(finding)}`);
}

/** The text of the findings on a changed host that are not ok. */
export function faults(facts: Partial<HostFacts>, of = lab({})): string[] {
  return texts(findings(facts, of));
}

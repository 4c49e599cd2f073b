import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readHostFacts } from "../../../../components/host/facts";
import { ROOT, temporaryFolder } from "../../support";

const KEYS: [string, string][] = [
  ["version", "2"],
  ["os", "debian  12"],
  ["suite", "bookworm"],
  ["arch", "x86_64"],
  ["rights", "sudo"],
  ["user", "ada"],
  ["memoryAvailableMiB", "2000"],
  ["dataFreeMiB", "3000"],
  ["cacheFreeMiB", "4000"],
  ["dataClosed", "-"],
  ["cacheClosed", "/root"],
  ["libvirt", "ok"],
];
/** Facts that only the doctor collects. */
const FULL_KEYS: [string, string][] = [
  ["kvmModules", "kvm kvm_intel "],
  ["kvmDevice", "makes-vm"],
  ["cpuFlags", "hypervisor vmx"],
  ["product", "Standard PC (Q35 + ICH9, 2009)"],
  ["udev", "yes"],
  ["systemd", "no"],
  ["apparmor", "yes"],
  ["virtiofsd", ""],
];
const NOTHING_FULL = { udev: true, systemd: false, apparmor: true, virtiofsd: "" };
const answer = (lines: [string, string][]): string =>
  lines.map((l) => `${l.join("\t")}\n`).join("");

describe("readHostFacts", () => {
  it("reads an answer with its lists", () => {
    const lists: [string, string][] = [
      ["running", "a"],
      ["running", "b"],
      ["defined", "a"],
      ["defined", "b"],
      ["defined", "c"],
      ["libvirtVersion", "9.0.0"],
      ["qemuVersion", "7.2.22"],
      ["emulator", `qemu ${Buffer.from("<x/>\n").toString("base64")}`],
      ["share", "/srv/a|folder|yes|-|/srv/b"],
      ["share", "/srv/c|missing|unknown|/srv|/srv/c"],
      ["port", "5900 - -"],
      ["port", "2222 dev.mir qemu-system-x86 (pid 7)"],
      ["route", "192.168.1.0/24 eth0"],
      ["network", "a net of mine virbr0 192.168.122.1"],
      ["network", "off - 10.0.0.1"],
      ["drop", "inet filter forward forward"],
      ["image", "https://a.example/x curl: (22) The requested URL returned error: 404"],
    ];
    assert.deepEqual(readHostFacts(answer([...KEYS, ...lists])), {
      os: "debian  12",
      suite: "bookworm",
      arch: "x86_64",
      rights: "sudo",
      user: "ada",
      memoryAvailableMiB: 2000,
      dataFreeMiB: 3000,
      cacheFreeMiB: 4000,
      dataClosed: "-",
      cacheClosed: "/root",
      libvirt: "ok",
      libvirtVersion: "9.0.0",
      qemuVersion: "7.2.22",
      emulators: { qemu: "<x/>\n" },
      running: ["a", "b"],
      defined: ["a", "b", "c"],
      ports: [
        { port: 5900, owner: undefined, holder: undefined },
        { port: 2222, owner: "dev.mir", holder: "qemu-system-x86 (pid 7)" },
      ],
      routes: [{ cidr: "192.168.1.0/24", device: "eth0" }],
      networks: [
        { name: "a net of mine", bridge: "virbr0", address: "192.168.122.1" },
        { name: "off", bridge: undefined, address: "10.0.0.1" },
      ],
      drops: [{ family: "inet", table: "filter", chain: "forward", hook: "forward" }],
      images: [
        {
          url: "https://a.example/x",
          state: "curl: (22) The requested URL returned error: 404",
        },
      ],
      shares: [
        { path: "/srv/a", kind: "folder", resolved: "/srv/b", writable: "yes", closed: "-" },
        {
          path: "/srv/c",
          kind: "missing",
          resolved: "/srv/c",
          writable: "unknown",
          closed: "/srv",
        },
      ],
      full: undefined,
    });
  });

  it("reads the facts that only the doctor collects", () => {
    const lists: [string, string][] = [
      ["nested", "kvm_intel Y"],
      ["devices", "vhost-user-fs-pci virtio-9p-pci"],
      ["secmodel", "apparmor"],
      ["secmodel", "dac"],
      ["socket", "660 default"],
      ["package", "libslirp0 4.7.0-1 libslirp"],
      ["changelog", "libslirp0 -"],
      ["package", "qemu-system-x86 1:7.2+dfsg-7 qemu"],
      ["changelog", "qemu-system-x86 CVE-2023-1,CVE-2023-2"],
      ["package", "curl 7.88.1-10 curl"],
      ["package", "bare 1 bare"],
      ["changelog", "bare absent"],
      ["package", "gone -"],
    ];
    assert.deepEqual(readHostFacts(answer([...KEYS, ...FULL_KEYS, ...lists])).full, {
      ...NOTHING_FULL,
      packages: [
        { name: "libslirp0", version: "4.7.0-1", named: [] },
        {
          ...{ name: "qemu-system-x86", version: "1:7.2+dfsg-7" },
          named: ["CVE-2023-1", "CVE-2023-2"],
        },
        { name: "curl", version: "7.88.1-10", named: undefined },
        { name: "bare", version: "1", named: undefined },
        { name: "gone", version: undefined, named: undefined },
      ],
      kvmModules: ["kvm", "kvm_intel"],
      kvmDevice: "makes-vm",
      cpuFlags: ["hypervisor", "vmx"],
      nested: "kvm_intel Y",
      product: "Standard PC (Q35 + ICH9, 2009)",
      secmodels: ["apparmor", "dac"],
      socket: { mode: "660", auth: "default" },
      devices: ["vhost-user-fs-pci", "virtio-9p-pci"],
    });
  });

  it("reads the facts of a host with nothing installed", () => {
    const { full } = readHostFacts(answer([...KEYS, ...FULL_KEYS]));
    assert.deepEqual([full?.devices, full?.socket, full?.secmodels], [undefined, undefined, []]);
  });

  for (const [key] of KEYS) {
    it(`refuses an answer without '${key}'`, () => {
      const rest = KEYS.filter(([k]) => k !== key);
      assert.throws(() => readHostFacts(answer(rest)), {
        message: `host facts: found no line '${key}'; need a complete answer of facts.sh`,
      });
    });
  }

  it("refuses another version", () => {
    const other = KEYS.map(([k, v]): [string, string] => [k, k === "version" ? "1" : v]);
    assert.throws(() => readHostFacts(answer(other)), {
      message: "host facts: found version '1'; need 2",
    });
  });

  it("reads what the script prints on this machine", () => {
    const folder = temporaryFolder();
    const script = join(ROOT, "scripts", "host", "facts.sh");
    const printed = execFileSync("bash", [
      script,
      "quick",
      `${folder}/data`,
      folder,
      "share",
      folder,
      "share",
      `${folder}/no`,
    ]);
    const facts = readHostFacts(printed.toString());
    assert.ok(facts.memoryAvailableMiB > 0);
    assert.ok(facts.dataFreeMiB > 0);
    // ZFS: of 3 GiB in the ARC, all above the least size of 1 GiB comes back when a program needs it.
    const arc = join(folder, "arcstats");
    writeFileSync(arc, "13 1 0x01\nname type data\nc_min 4 1073741824\nsize 4 3221225472\n");
    const env = { ...process.env, MIRLAB_ARCSTATS: arc };
    const zfs = execFileSync("bash", [script, "quick", `${folder}/data`, folder], { env });
    const more = readHostFacts(zfs.toString()).memoryAvailableMiB - facts.memoryAvailableMiB;
    assert.ok(Math.abs(more - 2048) < 500, String(more));
    assert.deepEqual(
      facts.shares.map(({ path, kind }) => [path, kind]),
      [
        [folder, "folder"],
        [`${folder}/no`, "missing"],
      ],
    );
  });
});

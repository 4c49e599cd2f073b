import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differenceText } from "../../../../core/contract";
import { HostContract } from "../../../../components/host/contract";
import { differences, observeArgs, record } from "../../../../components/host/differences";
import { HostObservation } from "../../../../components/host/observation";

const IMAGE = "/cache/images/abc.qcow2";
const GUEST = {
  name: "mir",
  domain: "mirlab-dev-mir",
  share: { path: "/data/dev/shares/mir", own: true },
  disk: {
    ...{ volume: "mir-vm-abc.qcow2", bytes: 4096, image: IMAGE, imageFormat: "qcow2" },
  },
  ports: { ssh: 0, spice: 0 },
  network: "user",
} as const;
const CONTRACT: HostContract = {
  ...{
    stack: "dev",
    owner: "ada@desk-0123abcd",
    dataDir: "/data",
    cacheDir: "/cache",
    install: true,
  },
  packages: ["qemu-utils"],
  parts: ["seabios"],
  pool: { name: "mirlab-dev", path: "/data/dev/pool" },
  network: {
    ...{ name: "mirlab-dev", address: "10.0.0.1/24" },
    hosts: [{ mac: "52:54:00:00:00:01", ip: "10.0.0.9" }],
  },
  guests: [GUEST],
};

/** A host that is as declared. */
const SOUND: Readonly<Record<string, string>> = {
  "package qemu-utils|state": "installed",
  "package qemu-utils|hold": "no",
  "files|signature": "f00d",
  "service libvirtd|state": "running",
  "service virtlogd|state": "running",
  "group libvirt|state": "exists",
  "group kvm|state": "exists",
  "user libvirt-qemu|in group kvm": "yes",
  "/dev/kvm|owner": "root:kvm 660",
  "kvm|nested": "Y",
  "apparmor|libvirtd": "enforce",
  "config qemu.conf|dynamic_ownership": "",
  "config libvirtd.conf|auth_unix_rw": "",
  "libvirt|answers": "yes",
  ...folder("/data", "755", "ada:ada"),
  ...folder("/data/dev", "711", "root:root"),
  "folder /data/dev|mark": "dev ada@desk-0123abcd",
  ...folder("/data/dev/pool", "711", "root:root"),
  ...folder("/data/dev/log", "711", "root:root"),
  ...folder("/data/dev/shares", "711", "root:root"),
  ...folder("/data/dev/shares/mir", "2770", "libvirt-qemu:libvirt"),
  "ports dev.mir|reserved": "2200 5901",
  [`image ${IMAGE}|state`]: "file",
  [`image ${IMAGE}|mode`]: "444",
  [`image ${IMAGE}|signature`]: "1:2:3",
  [`image ${IMAGE}|manifest`]: "sha256:aa",
  [`image ${IMAGE}|digest`]: "sha256:aa",
  "pool mirlab-dev|state": "active",
  "pool mirlab-dev|autostart": "yes",
  "pool mirlab-dev|path": "/data/dev/pool",
  "volume mir-vm-abc.qcow2|state": "exists",
  "volume mir-vm-abc.qcow2|format": "qcow2",
  "volume mir-vm-abc.qcow2|virtual size": "4096",
  "volume mir-vm-abc.qcow2|backing file": IMAGE,
  "volume mir-vm-abc.qcow2|backing format": "qcow2",
  "network mirlab-dev|state": "active",
  "network mirlab-dev|autostart": "yes",
  "network mirlab-dev|stack": "dev",
  "network mirlab-dev|address": "10.0.0.1/24",
  "network mirlab-dev|address of 52:54:00:00:00:01": "10.0.0.9",
  "domain mirlab-dev-mir|state": "running",
  "domain mirlab-dev-mir|owner": "dev.mir",
  "domain mirlab-dev-mir|ssh port": "2200",
  "domain mirlab-dev-mir|spice port": "5901",
  "listeners|tcp": "0.0.0.0:22 127.0.0.1:2200 127.0.0.1:5901",
};

function folder(path: string, mode: string, owner: string): Record<string, string> {
  const item = `folder ${path}`;
  return { [`${item}|state`]: "directory", [`${item}|mode`]: mode, [`${item}|owner`]: owner };
}

/** The sound host with changes; `null` removes a fact, `?reason` makes it unknown. */
function host(changes: Readonly<Record<string, string | null>> = {}): HostObservation {
  const seen = new HostObservation();
  for (const [name, value] of Object.entries({ ...SOUND, ...changes })) {
    const [item = "", field = ""] = name.split("|");
    if (value === null) continue;
    const known = !/^[?!]/.test(value);
    const unread = value.startsWith("!") ? ({ unread: true } as const) : {};
    const text = known ? value : value.slice(1);
    seen.add(item, field, { value: text, known, ...unread, source: "test" });
  }
  return seen;
}

const RECORDED = record(CONTRACT, host());
const linesOf = (
  changes: Readonly<Record<string, string | null>>,
  contract: HostContract = CONTRACT,
): string[] => differences(contract, RECORDED, host(changes)).map(differenceText);

describe("differences of the host", () => {
  it("are none if all is as declared, and as the last up recorded it", () => {
    assert.deepEqual(linesOf({}), []);
  });

  it("leaves the disk of a running guest alone where guests[].onDrift says so", () => {
    const small = { "volume mir-vm-abc.qcow2|virtual size": "2048" };
    const heals = (onDrift: "report" | "restart-at-next-boot" | undefined, state: string) => {
      const contract = { ...CONTRACT, guests: [{ ...GUEST, ...(onDrift && { onDrift }) }] };
      const seen = host({ ...small, "domain mirlab-dev-mir|state": state });
      return differences(contract, RECORDED, seen).find(({ field }) => field === "virtual size")
        ?.heal.how;
    };
    assert.deepEqual(
      [
        heals(undefined, "running"),
        heals("restart-at-next-boot", "running"),
        heals("restart-at-next-boot", "shut off"),
        heals("report", "shut off"),
      ],
      ["run", "elsewhere", "run", "elsewhere"],
    );
  });

  it("takes what earlier versions recorded for libvirt's defaults", () => {
    const seen = host({ "config libvirtd.conf|auth_unix_rw": "" });
    const earlier = { ...RECORDED, "config libvirtd.conf|auth_unix_rw": "none" };
    assert.deepEqual(differences(CONTRACT, earlier, seen), []);
    const off = host({ "config libvirtd.conf|auth_unix_rw": "none" });
    assert.equal(differences(CONTRACT, RECORDED, off).length, 1);
  });

  const heals = (words: string) => new RegExp(`${words}$`);
  const table: [string, Record<string, string | null>, RegExp][] = [
    [
      "a package is gone",
      { "package qemu-utils|state": "missing", "package qemu-utils|hold": null },
      /^package qemu-utils: declared installed, found missing; up installs it \(a download\)$/,
    ],
    [
      "somebody holds a package",
      { "package qemu-utils|hold": "yes" },
      /^package qemu-utils: hold was no, found yes; up does not repair this, but records it$/,
    ],
    [
      "a program was edited",
      { "file /usr/bin/qemu-img|content": "changed" },
      /^file \/usr\/bin\/qemu-img: content declared as packaged, found changed; up reinstalls its package/,
    ],
    ["a daemon was stopped", { "service virtlogd|state": "stopped" }, heals("up starts it")],
    ["a group is gone", { "group kvm|state": "missing" }, heals("up creates it")],
    ["QEMU's user left", { "user libvirt-qemu|in group kvm": "no" }, heals("up adds it")],
    ["nested was turned off", { "kvm|nested": "N" }, /^kvm: nested was Y, found N;/],
    ["AppArmor was turned off", { "apparmor|libvirtd": "N" }, /^apparmor: libvirtd was enforce/],
    [
      "a setting was edited",
      { "config qemu.conf|dynamic_ownership": "0" },
      /^config qemu.conf: dynamic_ownership was 1, found 0;/,
    ],
    [
      "polkit was turned off",
      { "config libvirtd.conf|auth_unix_rw": "none" },
      /^config libvirtd.conf: auth_unix_rw was polkit, found none; up does not repair this, but records it$/,
    ],
    [
      "the folder above the lab's got another mode, which is its owner's to say",
      { "folder /data|mode": "1777" },
      /^folder \/data: mode was 755, found 1777; up does not repair this, but records it$/,
    ],
    [
      "the lab's mark was removed",
      { "folder /data/dev|mark": "none" },
      /^folder \/data\/dev: mark declared dev ada@desk-0123abcd, found none; up repairs it$/,
    ],
    [
      "the network became another lab's",
      { "network mirlab-dev|stack": "other" },
      /^network mirlab-dev: stack declared dev, found other; if it is another lab's, choose another stack name, else run 'virsh net-destroy mirlab-dev'/,
    ],
    [
      "a folder's mode was changed",
      { "folder /data/dev/pool|mode": "777" },
      /^folder \/data\/dev\/pool: mode declared 711, found 777; up repairs it$/,
    ],
    [
      "the share's owner was changed",
      { "folder /data/dev/shares/mir|owner": "root:root" },
      /^folder \/data\/dev\/shares\/mir: owner declared libvirt-qemu:libvirt, found root:root; up repairs it$/,
    ],
    [
      "the ports' file was edited",
      { "ports dev.mir|reserved": "1 2" },
      /^ports dev.mir: reserved declared 2200 5901, found 1 2; up reserves them$/,
    ],
    ["the pool was stopped", { "pool mirlab-dev|state": "inactive" }, heals("up starts it")],
    [
      "the pool moved",
      { "pool mirlab-dev|path": "/x" },
      /^pool mirlab-dev: path declared \/data\/dev\/pool, found \/x; run 'virsh pool-destroy mirlab-dev'/,
    ],
    [
      "the disk was rebased",
      { "volume mir-vm-abc.qcow2|backing file": "/other" },
      /^volume mir-vm-abc.qcow2: backing file declared \/cache\/images\/abc.qcow2, found \/other; somebody changed the guest's disk/,
    ],
    [
      "the disk is smaller than declared",
      { "volume mir-vm-abc.qcow2|virtual size": "2048" },
      heals("up enlarges it and the guest's file system, and keeps their content"),
    ],
    [
      "the disk is larger than declared",
      { "volume mir-vm-abc.qcow2|virtual size": "8192" },
      /found 8192; a disk cannot shrink: raise guests\[\]\.diskGiB again, or make the guest anew/,
    ],
    ["the image is writable", { [`image ${IMAGE}|mode`]: "666" }, heals("up sets it")],
    [
      "the image was rewritten",
      { [`image ${IMAGE}|digest`]: "sha256:bb" },
      /^image \/cache\/images\/abc.qcow2: digest was sha256:aa, found sha256:bb; the guests' disks are overlays of it/,
    ],
    [
      "image and manifest were rewritten",
      { [`image ${IMAGE}|digest`]: "sha256:bb", [`image ${IMAGE}|manifest`]: "sha256:bb" },
      /digest was sha256:aa, found sha256:bb/,
    ],
    ["the network was stopped", { "network mirlab-dev|state": "inactive" }, heals("up starts it")],
    [
      "a lease was edited",
      { "network mirlab-dev|address of 52:54:00:00:00:01": "10.0.0.8" },
      /^network mirlab-dev: address of 52:54:00:00:00:01 declared 10.0.0.9, found 10.0.0.8; up sets it$/,
    ],
    [
      "the forward was removed",
      { "listeners|tcp": "127.0.0.1:5901" },
      /^forwards mirlab-dev-mir: ssh declared 127.0.0.1:2200, found not listening; up adds it to the running guest$/,
    ],
    [
      "SPICE listens elsewhere",
      { "listeners|tcp": "127.0.0.1:2200 0.0.0.0:5901" },
      /^forwards mirlab-dev-mir: spice declared 127.0.0.1:5901, found not listening;/,
    ],
    [
      "a value is unknown",
      { "config qemu.conf|dynamic_ownership": "?cannot be read" },
      /^config qemu.conf: dynamic_ownership was 1, found unknown \(cannot be read\);/,
    ],
    [
      "a value is not reported",
      { "group libvirt|state": null },
      /^group libvirt: declared exists, found nothing reported;/,
    ],
  ];
  for (const [what, changes, expected] of table) {
    it(`are one line when ${what}`, () => {
      const lines = linesOf(changes);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", expected);
    });
  }

  it("are one line for a missing folder, not three", () => {
    const item = "folder /data/dev/log";
    const gone = {
      ...{ [`${item}|state`]: "missing", [`${item}|mode`]: null, [`${item}|owner`]: null },
    };
    assert.deepEqual(linesOf(gone), [`${item}: declared directory, found missing; up repairs it`]);
  });

  it("are one line when libvirt does not answer, and none for unknown facts", () => {
    const silent = Object.fromEntries(
      Object.keys(SOUND)
        .filter((name) => /^(pool|volume|network|domain) /.test(name))
        .map((name) => [name, null]),
    );
    const lines = linesOf({ ...silent, "libvirt|answers": "Connection refused" });
    assert.deepEqual(lines, [
      "libvirt: answers declared yes, found Connection refused; up starts it",
    ]);
  });

  it("never come from versions, processes, or a setting spelled out as its default", () => {
    const changes = {
      "package qemu-utils|version": "9:9",
      "config qemu.conf|dynamic_ownership": "1",
      [`image ${IMAGE}|signature`]: "9:9:9",
      "listeners|tcp": "127.0.0.1:2200 127.0.0.1:5901 [::]:80",
    };
    assert.deepEqual(linesOf(changes), []);
  });

  it("are none for a guest that does not exist yet", () => {
    const gone = Object.fromEntries(
      Object.keys(SOUND)
        .filter((name) => /^(volume|ports|image|folder \/data\/dev\/shares\/mir)/.test(name))
        .map((name) => [name, null]),
    );
    const domain = Object.keys(SOUND).filter((name) => name.startsWith("domain "));
    const none = Object.fromEntries(domain.map((name) => [name, null]));
    assert.deepEqual(linesOf({ ...gone, ...none, "domain mirlab-dev-mir|state": "missing" }), []);
  });

  it("ignore the reservation of somebody else's domain", () => {
    const other = { "domain mirlab-dev-mir|owner": "prod.mir", "ports dev.mir|reserved": "1 2" };
    assert.deepEqual(linesOf(other), []);
  });

  it("are refused, not installed, with host.packages check", () => {
    const [line] = linesOf(
      { "package qemu-utils|state": "missing" },
      { ...CONTRACT, install: false },
    );
    assert.match(line ?? "", /; run 'apt-get install qemu-utils', or set host.packages/);
  });

  it("are reported once for an image that two guests use", () => {
    const two = { ...CONTRACT, guests: [GUEST, { ...GUEST, name: "two" }] };
    const lines = linesOf({ [`image ${IMAGE}|mode`]: "666" }, two);
    assert.equal(lines.filter((line) => line.includes("mode declared 444")).length, 1);
  });

  it("compare an image by URL with its declared digest, whatever was recorded", () => {
    const disk = { ...GUEST.disk, digest: "sha256:cc" };
    const lines = linesOf({}, { ...CONTRACT, guests: [{ ...GUEST, disk }] });
    assert.match(lines[0] ?? "", /digest declared sha256:cc, found sha256:aa/);
  });
});

describe("record", () => {
  it("keeps effective values, but no signature of files while a file differs", () => {
    assert.equal(RECORDED["config qemu.conf: dynamic_ownership"], "1");
    assert.equal(RECORDED["files: signature"], "f00d");
    const edited = record(CONTRACT, host({ "file /usr/bin/virsh|content": "changed" }));
    assert.equal(edited["files: signature"], undefined);
  });

  it("keeps what was recorded of what this user may not look at, which is no difference", () => {
    const recorded = { ...RECORDED, "config qemu.conf: user": "somebody" };
    const seen = host({ "config qemu.conf|user": "!Permission denied" });
    assert.equal(record(CONTRACT, seen, recorded)["config qemu.conf: user"], "somebody");
    assert.equal(record(CONTRACT, seen)["config qemu.conf: user"], undefined);
    assert.deepEqual(differences(CONTRACT, recorded, seen), []);
    assert.deepEqual(seen.unread(), [["config qemu.conf", "user"]]);
    const unknown = host({ "config qemu.conf|user": "?an error" });
    assert.equal(differences(CONTRACT, recorded, unknown).length, 1);
  });
});

describe("observeArgs", () => {
  it("asks for everything in one run, with the recorded signatures", () => {
    const args = observeArgs(CONTRACT, RECORDED).join(" ");
    assert.match(args, /^f00d package qemu-utils part seabios folder \/data folder \/data\/dev /);
    assert.match(args, / ports \/data\/ports\/dev\.mir image \S+ 1:2:3 sha256:aa pool mirlab-dev /);
    assert.match(
      args,
      / domain mirlab-dev-mir volume mirlab-dev \/data\/dev\/pool\/mir-vm-abc\.qcow2$/,
    );
    assert.match(observeArgs(CONTRACT, {}).join(" "), /^- .* image \S+ - - pool/);
  });
});

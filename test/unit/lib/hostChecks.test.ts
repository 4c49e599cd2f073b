import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkHost, findingText } from "../../../lib/hostChecks";
import { HostFacts, ShareFact } from "../../../lib/hostFacts";
import { readLab } from "../../../lib/labConfig";
import { Lab } from "../../../lib/labSchema";

function lab(...guests: object[]): Lab {
  const named = guests.map((guest, i) => ({ name: `g${i}`, ...guest }));
  const { lab: read } = readLab({ guests: named });
  assert.ok(read);
  return read;
}

/** A host on which nothing is missing. */
const HOST: HostFacts = {
  os: "debian  12",
  arch: "x86_64",
  rights: "sudo",
  user: "ada",
  memoryAvailableMiB: 8000,
  dataFreeMiB: 50000,
  cacheFreeMiB: 50000,
  libvirt: "ok",
  kvmDevice: true,
  running: [],
  shares: [],
  images: [],
};

/** What stands in the way, as a person reads it. */
function faults(facts: Partial<HostFacts>, of = lab({})): string[] {
  return checkHost({ ...HOST, ...facts }, of, "dev")
    .filter((finding) => finding.severity !== "ok")
    .map((finding) => `${finding.severity} ${finding.path ?? "-"} ${findingText(finding)}`);
}

describe("checkHost", () => {
  it("finds nothing against a host that has all", () => {
    assert.deepEqual(faults({}), []);
    for (const finding of checkHost(HOST, lab({}), "dev")) {
      assert.equal(findingText(finding), `${finding.id}: ${finding.found}`);
    }
  });

  const table: [string, Partial<HostFacts>, string][] = [
    [
      "another distribution",
      { os: "fedora  40" },
      "fail - host-os: found fedora  40, need Debian or a distribution like it; use a Debian 12 host: packages are installed by apt",
    ],
    [
      "another machine",
      { arch: "aarch64" },
      "fail - host-arch: found aarch64, need x86_64; use an x86_64 host: QXL and q35 are for that machine",
    ],
    [
      "no rights",
      { rights: "none" },
      "fail - host-rights: found user ada, none, need root, or sudo without a password; run 'sudo -v' first, or run as root",
    ],
    [
      "no permission",
      { libvirt: "denied" },
      "fail - libvirt: found denied, need a connection to qemu:///system, or leave to set it up; join its group with 'sudo adduser $USER libvirt' and log in again",
    ],
    [
      "little memory",
      { memoryAvailableMiB: 2559 },
      "fail guests[].memoryMiB memory: found 2559 MiB available, need 2048 MiB for guests and 512 MiB for the host; lower guests[].memoryMiB, or end other programs",
    ],
    [
      "no answer about memory",
      { memoryAvailableMiB: NaN },
      "fail guests[].memoryMiB memory: found NaN MiB available, need 2048 MiB for guests and 512 MiB for the host; lower guests[].memoryMiB, or end other programs",
    ],
    [
      "little room",
      { dataFreeMiB: 3999 },
      "fail host.dataDir disk: found 3999 MiB free at /var/lib/mirlab, need 4000 MiB; make room, or set host.dataDir to a folder on a larger disk",
    ],
    [
      "a full cache",
      { cacheFreeMiB: 0 },
      "fail host.cacheDir disk: found 0 MiB free at /var/cache/mirlab, need 6000 MiB; make room, or set host.cacheDir to a folder on a larger disk",
    ],
  ];
  for (const [what, facts, text] of table) {
    it(`tells of ${what}`, () => assert.deepEqual(faults(facts), [text]));
  }

  const fine: [string, Partial<HostFacts>][] = [
    ["Ubuntu", { os: "ubuntu debian 24.04" }],
    ["a derivative", { os: "linuxmint ubuntu debian 22" }],
    ["just enough memory", { memoryAvailableMiB: 2560 }],
    ["a libvirt that is not there yet", { libvirt: "absent" }],
    ["a libvirt that is down", { libvirt: "down" }],
    ["no KVM", { kvmDevice: false }],
  ];
  for (const [what, facts] of fine) {
    it(`is content with ${what}`, () => assert.deepEqual(faults(facts), []));
  }

  it("counts only guests that do not run yet", () => {
    const two = lab({ memoryMiB: 4000 }, { memoryMiB: 4000 });
    assert.equal(faults({}, two).length, 1);
    assert.deepEqual(faults({ running: ["mirlab-dev-g0"] }, two), []);
    assert.equal(faults({ running: ["mirlab-other-g0"] }, two).length, 1);
    const all = ["mirlab-dev-g0", "mirlab-dev-g1"];
    assert.deepEqual(
      faults({ running: all, dataFreeMiB: 0, cacheFreeMiB: 0, memoryAvailableMiB: 600 }, two),
      [],
    );
  });
});

describe("checkHost, of a shared folder", () => {
  const shared = (readonly = false): Lab => lab({}, { share: { path: "/srv/mir", readonly } });
  const fact = (change: Partial<ShareFact>): Partial<HostFacts> => ({
    shares: [
      { path: "/srv/mir", kind: "folder", resolved: "/srv/mir", writable: "yes", ...change },
    ],
  });
  const key = "fail guests[1].share.path share:";
  const make = "make it with 'mkdir /srv/mir', or drop the key and let the lab make one";
  const table: [string, Partial<HostFacts>, string[]][] = [
    ["is there", fact({}), []],
    ["may be writable", fact({ writable: "unknown" }), []],
    [
      "is missing",
      fact({ kind: "missing" }),
      [
        `${key} found /srv/mir is not a folder on the host, need a folder that QEMU can use; ${make}`,
      ],
    ],
    [
      "is a file",
      fact({ kind: "other" }),
      [
        `${key} found /srv/mir is not a folder on the host, need a folder that QEMU can use; ${make}`,
      ],
    ],
    [
      "is not told of",
      {},
      [
        `${key} found /srv/mir is not a folder on the host, need a folder that QEMU can use; ${make}`,
      ],
    ],
    [
      "is a link to a system folder",
      fact({ resolved: "/etc" }),
      [
        `${key} found /srv/mir is /etc, need a folder that QEMU can use; '/etc' is in the system folder /etc; share a folder made for it, e.g. /srv/mir`,
      ],
    ],
    [
      "is closed to QEMU",
      fact({ writable: "no" }),
      [
        `${key} found /srv/mir is not writable by libvirt-qemu, need a folder that QEMU can use; setfacl -m u:libvirt-qemu:rwx /srv/mir, or set share.readonly`,
      ],
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(`that ${what}`, () => assert.deepEqual(faults(facts, shared()), expected));
  }

  it("needs no writing where the guest may only read", () => {
    assert.deepEqual(faults(fact({ writable: "no" }), shared(true)), []);
  });
});

describe("checkHost, of an image by URL", () => {
  const url = "https://images.example/x.qcow2";
  const withImage = lab({ image: { source: "url", url, digest: `sha256:${"0".repeat(64)}` } });
  const told = (state: string): string =>
    `fail guests[0].image.url image: found no answer from ${url} (${state}), ` +
    "need an image that the host can download; check the URL and the host's network";

  it("is content with one that answers", () => {
    assert.deepEqual(faults({ images: [{ url, state: "ok" }] }, withImage), []);
  });

  it("tells of one that does not, and of one that was not asked", () => {
    const state = "curl: (22) The requested URL returned error: 404";
    assert.deepEqual(faults({ images: [{ url, state }] }, withImage), [told(state)]);
    assert.deepEqual(faults({}, withImage), [told("not asked")]);
  });
});

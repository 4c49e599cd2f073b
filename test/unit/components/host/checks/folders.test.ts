import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostFacts, ShareFact } from "../../../../../components/host/facts";
import { Lab } from "../../../../../config/schema";
import { faults, lab } from "./host";

describe("checkHost, of the lab's own folders", () => {
  it("names the folder that QEMU's user cannot pass", () => {
    assert.deepEqual(faults({ dataClosed: "/root", cacheClosed: "/srv/closed" }), [
      "fail host.dataDir reach: found /var/lib/mirlab is behind /root, which libvirt-qemu cannot pass, need a way for QEMU's user libvirt-qemu to disks and images; sudo setfacl -m u:libvirt-qemu:x /root, or set host.dataDir to another folder",
      "fail host.cacheDir reach: found /var/cache/mirlab is behind /srv/closed, which libvirt-qemu cannot pass, need a way for QEMU's user libvirt-qemu to disks and images; sudo setfacl -m u:libvirt-qemu:x /srv/closed, or set host.cacheDir to another folder",
    ]);
  });

  it("holds nothing against a host that cannot be asked yet", () => {
    assert.deepEqual(faults({ dataClosed: "unknown", cacheClosed: "unknown" }), []);
  });
});

describe("checkHost, of a shared folder", () => {
  const shared = (readonly = false): Lab => lab({}, { share: { path: "/srv/mir", readonly } });
  const fact = (change: Partial<ShareFact>): Partial<HostFacts> => ({
    shares: [
      {
        ...{ path: "/srv/mir", kind: "folder", resolved: "/srv/mir" },
        ...{ writable: "yes", closed: "-", ...change },
      },
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
      "is behind a closed folder",
      fact({ closed: "/srv", writable: "no" }),
      [
        `${key} found /srv/mir is behind /srv, which libvirt-qemu cannot pass, need a folder that QEMU can use; setfacl -m u:libvirt-qemu:x /srv`,
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

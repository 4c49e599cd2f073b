import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HostFacts, ShareFact } from "../../../../../components/host/facts";
import { Lab } from "../../../../../config/schema";
import { faults, lab } from "./host";

describe("checkHost, of the lab's own folders", () => {
  it("names the folder that QEMU's user cannot pass", () => {
    assert.deepEqual(faults({ dataClosed: "/root", cacheClosed: "/srv/closed" }), [
      "fail host.dataDir reach: found /var/lib/mirlab behind /root, which libvirt-qemu cannot pass; need a path to disks and images that QEMU's user libvirt-qemu can pass; fix: sudo setfacl -m u:libvirt-qemu:x /root, or set host.dataDir to another folder",
      "fail host.cacheDir reach: found /var/cache/mirlab behind /srv/closed, which libvirt-qemu cannot pass; need a path to disks and images that QEMU's user libvirt-qemu can pass; fix: sudo setfacl -m u:libvirt-qemu:x /srv/closed, or set host.cacheDir to another folder",
    ]);
  });

  it("finds no fault in a host that it cannot check yet", () => {
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
  const make = "mkdir /srv/mir, or drop the key to let the lab create a folder";
  const table: [string, Partial<HostFacts>, string[]][] = [
    ["exists", fact({}), []],
    ["is perhaps writable", fact({ writable: "unknown" }), []],
    [
      "is missing",
      fact({ kind: "missing" }),
      [
        `${key} found /srv/mir, which is not a folder on the host; need a folder that QEMU can use; fix: ${make}`,
      ],
    ],
    [
      "is a file",
      fact({ kind: "other" }),
      [
        `${key} found /srv/mir, which is not a folder on the host; need a folder that QEMU can use; fix: ${make}`,
      ],
    ],
    [
      "is not in the facts",
      {},
      [
        `${key} found /srv/mir, which is not a folder on the host; need a folder that QEMU can use; fix: ${make}`,
      ],
    ],
    [
      "is a link to a system folder",
      fact({ resolved: "/etc" }),
      [
        `${key} found /srv/mir, a link: '/etc' is in the system folder /etc; need a folder that QEMU can use; fix: share a folder made for it, e.g. /srv/mir`,
      ],
    ],
    [
      "is behind a closed folder",
      fact({ closed: "/srv", writable: "no" }),
      [
        `${key} found /srv/mir behind /srv, which libvirt-qemu cannot pass; need a folder that QEMU can use; fix: setfacl -m u:libvirt-qemu:x /srv`,
      ],
    ],
    [
      "is closed to QEMU",
      fact({ writable: "no" }),
      [
        `${key} found /srv/mir, which libvirt-qemu cannot write; need a folder that QEMU can use; fix: setfacl -m u:libvirt-qemu:rwx /srv/mir, or set share.readonly`,
      ],
    ],
  ];
  for (const [what, facts, expected] of table) {
    it(`that ${what}`, () => assert.deepEqual(faults(facts, shared()), expected));
  }

  it("need not be writable for a read-only share", () => {
    assert.deepEqual(faults(fact({ writable: "no" }), shared(true)), []);
  });
});

describe("checkHost, of an image by URL", () => {
  const url = "https://images.example/x.qcow2";
  const withImage = lab({ image: { source: "url", url, digest: `sha256:${"0".repeat(64)}` } });
  const text = (state: string): string =>
    `fail guests[0].image.url image: found no answer from ${url} (${state}); ` +
    "need an image that the host can download; fix: check the URL and the host's network";

  it("passes if the URL answers", () => {
    assert.deepEqual(faults({ images: [{ url, state: "ok" }] }, withImage), []);
  });

  it("reports a URL that does not answer, and one that was not checked", () => {
    const state = "curl: (22) The requested URL returned error: 404";
    assert.deepEqual(faults({ images: [{ url, state }] }, withImage), [text(state)]);
    assert.deepEqual(faults({}, withImage), [text("not checked")]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shareMapped } from "../../policies/shareMapped";
import { shareNotSensitive } from "../../policies/shareNotSensitive";
import { shareReadonly } from "../../policies/shareReadonly";
import { Case, SHARE, testsOf, xslt } from "./domains";
import { beside, HOST, lab, said, SPEC, UNKNOWN } from "./support";

const CASES: readonly Case[] = [
  {
    policy: shareMapped,
    wrong: [
      [
        "passthrough",
        beside({ filesystems: [{ source: "/srv/a", target: "a", accessmode: "passthrough" }] }),
        [
          "share of 'web': found accessmode 'passthrough'; need mapped; fix: set accessmode to mapped",
        ],
      ],
      [
        "no mode in a stylesheet, as libvirt's default is passthrough",
        beside(xslt('<filesystem><source dir="/srv/a"/></filesystem>')),
        [
          "share of 'web': found accessmode 'passthrough'; need mapped; fix: set accessmode to mapped",
        ],
      ],
    ],
    right: [
      ["no mode, which the provider makes mapped", beside({ filesystems: [{ source: "/srv/a" }] })],
      [
        "virtiofs",
        beside(xslt('<filesystem accessmode="passthrough"><driver type="virtiofs"/></filesystem>')),
      ],
    ],
    unknown: [beside({ filesystems: [{ source: "/srv/a", accessmode: UNKNOWN }] }), /accessmode/],
  },
  {
    policy: shareNotSensitive,
    wrong: [
      ["a system folder", "/etc", "'/etc' is in the system folder /etc"],
      ["the root", "/", "'/' is a system folder"],
      ["a home", "/home/ada", "'/home/ada' is a home folder"],
      ["keys", "/srv/a/.ssh", "'/srv/a/.ssh' holds private keys"],
      [
        "disks",
        SPEC.disk.replace("/disk.qcow2", ""),
        "'/var/lib/mirlab/dev/pool' overlaps /var/lib/mirlab/dev/pool",
      ],
      [
        "the parent folder of the disks",
        "/var/lib/mirlab",
        "'/var/lib/mirlab' overlaps /var/lib/mirlab/dev/pool",
      ],
      ["the lab's state", "/work-home/labs", "'/work-home/labs' overlaps /work-home"],
      ["a way up", "/srv/../etc", "'/srv/../etc' holds '.' or '..'"],
    ].map(
      ([claim = "", path = "", found = ""]) =>
        [
          claim,
          lab({ share: { ...SHARE, path } }),
          [
            `share of 'mir': found that ${found}; need a folder of its own; fix: share a folder of its own, e.g. /srv/mir`,
          ],
        ] as const,
    ),
    right: [["no share", lab({ share: undefined })]],
    override: [
      { paths: ["/srv/mir/private"] },
      lab(),
      [
        "share of 'mir': found that '/srv/mir' overlaps /srv/mir/private; need a folder of its own; fix: share a folder of its own, e.g. /srv/mir",
      ],
    ],
    unknown: [lab({ share: { ...SHARE, path: UNKNOWN } }), /spec\.share\.path/],
  },
  {
    policy: shareReadonly,
    wrong: [
      [
        "a writable one",
        lab({ share: { ...SHARE, readonly: false } }),
        [
          "share of 'mir': found it writable; need it read-only; fix: set guests[].share.readonly to true, or list 'mir' in writable of this policy",
        ],
      ],
    ],
    right: [
      [
        "no mode, which the provider makes read-only",
        beside({ filesystems: [{ source: "/srv/a" }] }),
      ],
    ],
    override: [{ writable: ["mir"] }, lab({ share: { ...SHARE, readonly: false } }), []],
    unknown: [lab({ share: { ...SHARE, readonly: UNKNOWN } }), /spec\.share\.readonly/],
  },
];

describe("policies of a domain's share", () => {
  for (const each of CASES) {
    describe(each.policy.name, () => {
      for (const [claim, test] of testsOf(each)) it(claim, test);
    });
  }
});

describe("policy share-not-sensitive", () => {
  it("judges a share in the host's contract before the domain's is known", async () => {
    const guests = [{ name: "mir", share: { path: "/var/cache/mirlab", own: false } }];
    const props = { guests, pool: { path: "/pool" }, cacheDir: "/srv/cache" };
    assert.deepEqual(await said(shareNotSensitive, { type: HOST, props }), [
      "share of 'mir': found that '/var/cache/mirlab' is in the system folder /var/cache; need a folder of its own; fix: share a folder of its own, e.g. /srv/mir",
    ]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { ADVISORIES } from "../../components/host/advisories";
import { accelerationAcknowledged } from "../../policies/accelerationAcknowledged";
import { confined } from "../../policies/confined";
import { guestSizeLimits } from "../../policies/guestSizeLimits";
import { knownVulnerable } from "../../policies/knownVulnerable";
import { namesAndLabels } from "../../policies/namesAndLabels";
import { noClipboardOrFileTransfer } from "../../policies/noClipboardOrFileTransfer";
import { noQemuCommandline } from "../../policies/noQemuCommandline";
import { qxlVideo } from "../../policies/qxlVideo";
import { shareMapped } from "../../policies/shareMapped";
import { shareNotSensitive } from "../../policies/shareNotSensitive";
import { shareReadonly } from "../../policies/shareReadonly";
import { spiceNotExposed } from "../../policies/spiceNotExposed";
import { spiceOnly } from "../../policies/spiceOnly";
import { beside, Given, HOST, lab, said, sheet, SPEC, UNKNOWN } from "./support";

interface Case {
  readonly policy: ResourceValidationPolicy;
  /** What breaks it, and all that is said. */
  readonly wrong: readonly (readonly [claim: string, given: Given, messages: readonly string[]])[];
  /** What is right besides the good domains. */
  readonly right?: readonly (readonly [claim: string, given: Given])[];
  /** A setting under which the first wrong one is right, or a right one wrong. */
  readonly override?: readonly [config: object, given: Given, messages: readonly string[]];
  /** A property whose value is not known in a preview, and its path; unset: it reads none. */
  readonly unknown?: readonly [given: Given, path: RegExp];
}

const SHARE = { path: "/srv/mir", tag: "share", readonly: true };
const spice = (change: object): Given => lab({ spice: { ...SPEC.spice, ...change } });
const xslt = (elements: string): object => ({ xml: { xslt: sheet(elements) } });
const OPEN =
  '<graphics type="spice" defaultMode="secure" passwd="x"><listen type="address" address="192.0.2.1"/>';

const CASES: readonly Case[] = [
  {
    policy: spiceOnly,
    wrong: [
      [
        "VNC",
        beside({ graphics: { type: "vnc" } }),
        [
          "The domain 'web' must show its screen by SPICE only, found 'vnc'; set graphics.type to spice, or remove that graphics device.",
        ],
      ],
      [
        "VNC that a stylesheet adds",
        beside(xslt('<graphics type="vnc" port="-1"/>')),
        [
          "The domain 'web' must show its screen by SPICE only, found 'vnc'; set graphics.type to spice, or remove that graphics device.",
        ],
      ],
    ],
    right: [["no graphics declared: the provider makes it SPICE", beside({ graphics: undefined })]],
    unknown: [beside({ graphics: { type: UNKNOWN } }), /graphics\.type/],
  },
  {
    policy: qxlVideo,
    wrong: [
      [
        "another model",
        beside({ video: { type: "virtio" } }),
        [
          "The domain 'web' must have QXL video, found 'virtio'; set the model to qxl, or give the reason for it in otherModels of this policy.",
        ],
      ],
      [
        "none, which the provider makes cirrus",
        beside({ video: undefined }),
        [
          "The domain 'web' must have QXL video, found no video device declared; set video.type to qxl.",
        ],
      ],
      [
        "too little memory",
        lab({ video: { ramKiB: 8192, vramKiB: 4096, vgamemKiB: 16384 } }),
        [
          "The domain 'mir' must have QXL video, at least 16384 KiB of ramKiB, found 8192; raise it.",
          "The domain 'mir' must have QXL video, at least 8192 KiB of vramKiB, found 4096; raise it.",
        ],
      ],
    ],
    override: [{ otherModels: { virtio: "needs 3D" } }, beside({ video: { type: "virtio" } }), []],
    unknown: [lab({ video: { ...SPEC.video, ramKiB: UNKNOWN } }), /spec\.video\.ramKiB/],
  },
  {
    policy: spiceNotExposed,
    wrong: [
      [
        "an open address",
        beside({ graphics: { type: "spice", listenType: "address", listenAddress: "0.0.0.0" } }),
        [
          "The screen of 'web' must not be open to others, found it on 0.0.0.0 without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; listen on 127.0.0.1 or a socket, or add what is missing.",
        ],
      ],
      [
        "an address that the host chooses",
        beside(xslt('<graphics type="spice"/>')),
        [
          "The screen of 'web' must not be open to others, found it on the host's default address without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; listen on 127.0.0.1 or a socket, or add what is missing.",
        ],
      ],
      [
        "TLS and a ticket, but nobody says that clients are verified",
        beside(xslt(`${OPEN}</graphics>`)),
        [
          "The screen of 'web' must not be open to others, found it on 192.0.2.1 without its name in clientVerified of this policy; listen on 127.0.0.1 or a socket, or add what is missing.",
        ],
      ],
    ],
    right: [
      ["a socket", beside({ graphics: { type: "spice", listenType: "socket" } })],
      [
        "an address without a value: the provider's is loopback",
        beside({ graphics: { listenType: "address" } }),
      ],
    ],
    override: [{ clientVerified: ["web"] }, beside(xslt(`${OPEN}</graphics>`)), []],
    unknown: [
      beside({ graphics: { listenType: "address", listenAddress: UNKNOWN } }),
      /listenAddress/,
    ],
  },
  {
    policy: noClipboardOrFileTransfer,
    wrong: [
      [
        "both on",
        spice({ clipboard: true, fileTransfer: true }),
        [
          "The guest 'mir' must not have SPICE's clipboard, found it on; set guests[].spice.clipboard to false, or name 'mir' in clipboard of this policy.",
          "The guest 'mir' must not have SPICE's fileTransfer, found it on; set guests[].spice.fileTransfer to false, or name 'mir' in fileTransfer of this policy.",
        ],
      ],
      [
        "left to libvirt, which has it on",
        beside({ xml: { xslt: sheet('<filetransfer enable="no"/>') } }),
        [
          "The guest 'web' must not have SPICE's clipboard, found it on; set guests[].spice.clipboard to false, or name 'web' in clipboard of this policy.",
        ],
      ],
    ],
    override: [{ clipboard: ["mir"] }, spice({ clipboard: true }), []],
    unknown: [spice({ clipboard: UNKNOWN }), /spec\.spice\.clipboard/],
  },
  {
    policy: shareMapped,
    wrong: [
      [
        "passthrough",
        beside({ filesystems: [{ source: "/srv/a", target: "a", accessmode: "passthrough" }] }),
        [
          "The share of 'web' must be mapped, found accessmode 'passthrough'; set accessmode to mapped.",
        ],
      ],
      [
        "no mode in a stylesheet: libvirt's is passthrough",
        beside(xslt('<filesystem><source dir="/srv/a"/></filesystem>')),
        [
          "The share of 'web' must be mapped, found accessmode 'passthrough'; set accessmode to mapped.",
        ],
      ],
    ],
    right: [
      ["no mode: the provider's is mapped", beside({ filesystems: [{ source: "/srv/a" }] })],
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
        "'/var/lib/mirlab/dev/pool' and /var/lib/mirlab/dev/pool hold one another",
      ],
      [
        "what holds the disks",
        "/var/lib/mirlab",
        "'/var/lib/mirlab' and /var/lib/mirlab/dev/pool hold one another",
      ],
      ["the lab's state", "/work-home/labs", "'/work-home/labs' and /work-home hold one another"],
      ["a way up", "/srv/../etc", "'/srv/../etc' holds '.' or '..'"],
    ].map(
      ([claim = "", path = "", found = ""]) =>
        [
          claim,
          lab({ share: { ...SHARE, path } }),
          [
            `The share of 'mir' must be a folder made for it, found that ${found}; share a folder made for it, e.g. /srv/mir.`,
          ],
        ] as const,
    ),
    right: [["no share", lab({ share: undefined })]],
    override: [
      { paths: ["/srv/mir/private"] },
      lab(),
      [
        "The share of 'mir' must be a folder made for it, found that '/srv/mir' and /srv/mir/private hold one another; share a folder made for it, e.g. /srv/mir.",
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
          "The share of 'mir' must be read-only, found it writable; set guests[].share.readonly to true, or name 'mir' in writable of this policy.",
        ],
      ],
    ],
    right: [
      ["not said: the provider's is read-only", beside({ filesystems: [{ source: "/srv/a" }] })],
    ],
    override: [{ writable: ["mir"] }, lab({ share: { ...SHARE, readonly: false } }), []],
    unknown: [lab({ share: { ...SHARE, readonly: UNKNOWN } }), /spec\.share\.readonly/],
  },
  {
    policy: accelerationAcknowledged,
    wrong: [
      [
        "TCG",
        lab({ type: "qemu" }),
        [
          "The guest 'mir' must run on KVM, found TCG, which is slow and no boundary of security; repair KVM ('npm run doctor'), or name 'mir' in tcg of this policy.",
        ],
      ],
    ],
    right: [["not said", beside({ type: undefined })]],
    override: [{ tcg: ["mir"] }, lab({ type: "qemu" }), []],
    unknown: [lab({ type: UNKNOWN }), /spec\.type/],
  },
  {
    policy: noQemuCommandline,
    wrong: [
      [
        "arguments",
        beside(xslt('<qemu:commandline><qemu:arg value="-s"/></qemu:commandline>')),
        [
          "The domain 'web' must not bring its own arguments to QEMU, found <qemu:arg value='-s'>; say it in libvirt's own elements, or name 'web' in domains of this policy.",
        ],
      ],
      [
        "an element with a made-up name, which could be one",
        beside(xslt('<xsl:element name="qemu:arg"/>')),
        [
          "The domain 'web' must not bring its own arguments to QEMU, found <xsl:element name='qemu:arg'>; say it in libvirt's own elements, or name 'web' in domains of this policy.",
        ],
      ],
    ],
    right: [
      ["the lab's own, of user-mode network", lab({ network: { mode: "user", sshPort: 22022 } })],
    ],
    override: [{ domains: ["web"] }, beside(xslt('<qemu:arg value="-s"/>')), []],
    unknown: [beside({ xml: { xslt: UNKNOWN } }), /xml\.xslt/],
  },
  {
    policy: confined,
    wrong: [
      [
        "no label",
        beside(xslt('<seclabel type="none"/>')),
        ["The domain 'web' must be confined, found <seclabel type='none'>; remove that seclabel."],
      ],
      [
        "root",
        beside(xslt('<seclabel type="static" model="dac"><label>+0:+0</label></seclabel>')),
        [
          "The domain 'web' must be confined, found <seclabel type='static' model='dac'>; remove that seclabel.",
        ],
      ],
    ],
    right: [
      [
        "another user",
        beside(xslt('<seclabel model="dac"><label>+64055:+64055</label></seclabel>')),
      ],
    ],
    unknown: [beside({ xml: { xslt: UNKNOWN } }), /xml\.xslt/],
  },
  {
    policy: guestSizeLimits,
    wrong: [
      [
        "memory and processors",
        lab({ memoryMiB: 32768, vcpus: 32 }),
        [
          "The guest 'mir' must have at most 16384 MiB of memory, found 32768; make it smaller, or raise maxMemoryMiB of this policy.",
          "The guest 'mir' must have at most 8 virtual CPUs, found 32; make it smaller, or raise maxVcpus of this policy.",
        ],
      ],
      [
        "disk, which the host's contract knows",
        { type: HOST, props: { guests: [{ name: "mir", disk: { bytes: 100 * 1024 ** 3 } }] } },
        [
          "The guest 'mir' must have at most 64 GiB of disk, found 100; make it smaller, or raise maxDiskGiB of this policy.",
        ],
      ],
    ],
    override: [{ maxMemoryMiB: 32768, maxVcpus: 32 }, lab({ memoryMiB: 32768, vcpus: 32 }), []],
    unknown: [beside({ memory: UNKNOWN }), /memory/],
  },
  {
    policy: namesAndLabels,
    wrong: [
      [
        "a name that says nothing",
        beside({ name: "web" }),
        [
          "The resource 'web' must be named for its lab in libvirt, found 'web'; name it 'mirlab-dev-...'.",
        ],
      ],
      [
        "no name",
        { type: "libvirt:index/network:Network", name: "net", props: {} },
        [
          "The resource 'net' must be named for its lab in libvirt, found no name; name it 'mirlab-dev-...'.",
        ],
      ],
      [
        "another stack's mark",
        lab({ stack: "prod" }),
        [
          "The domain of 'mir-vm-domain' must carry the mark of its lab, found stack 'prod' and guest 'mir', required stack 'dev'; declare it by components/lab/guest.resource.ts.",
        ],
      ],
    ],
    unknown: [beside({ name: UNKNOWN }), /name/],
  },
];

describe("policies of a domain", () => {
  const good: [string, Given][] = [
    ["the lab's", lab()],
    ["one beside it", beside()],
    [
      "an adopted one",
      {
        type: "pulumi-nodejs:dynamic/mir:AdoptedDomain",
        props: {
          ...{ domain: "old", stack: "dev", guest: "mir", wantedAcceleration: "auto" },
          ...{ spice: SPEC.spice, video: SPEC.video, share: SHARE, shareTag: "share" },
        },
      },
    ],
    ["what is no domain", { type: "command:local:Command", props: { create: "true" } }],
  ];
  process.env.MIRLAB_HOME = "/work-home";

  for (const { policy, wrong, right = [], override, unknown } of CASES) {
    describe(policy.name, () => {
      for (const [claim, given] of [...good, ...right]) {
        it(`holds for ${claim}`, async () => assert.deepEqual(await said(policy, given), []));
      }
      for (const [claim, given, messages] of wrong) {
        it(`names ${claim}`, async () => assert.deepEqual(await said(policy, given), messages));
      }
      if (override !== undefined) {
        const [config, given, messages] = override;
        it(`goes by its setting ${Object.keys(config).join(", ")}`, async () =>
          assert.deepEqual(await said(policy, given, config), messages));
      }
      if (unknown !== undefined) {
        const [given, path] = unknown;
        it("says that it cannot tell while what it reads is not known", async () =>
          assert.rejects(said(policy, given), path));
      }
    });
  }

  it("judge the display before ports and disks are known", async () => {
    const early = lab({
      ...{ type: UNKNOWN, disk: UNKNOWN, seed: UNKNOWN },
      spice: { port: UNKNOWN, clipboard: true, fileTransfer: false },
    });
    assert.equal((await said(noClipboardOrFileTransfer, early)).length, 1);
    assert.deepEqual(await said(spiceOnly, early), []);
    assert.deepEqual(await said(qxlVideo, early), []);
  });
});

describe("policy share-not-sensitive", () => {
  it("knows a share from the host's contract, before the domain's is known", async () => {
    const guests = [{ name: "mir", share: { path: "/var/cache/mirlab", own: false } }];
    const props = { guests, pool: { path: "/pool" }, cacheDir: "/srv/cache" };
    assert.deepEqual(await said(shareNotSensitive, { type: HOST, props }), [
      "The share of 'mir' must be a folder made for it, found that '/var/cache/mirlab' is in the system folder /var/cache; share a folder made for it, e.g. /srv/mir.",
    ]);
  });
});

describe("policy known-vulnerable", () => {
  const writable = lab({ share: { ...SHARE, readonly: false } });
  const message = (found: string): string => {
    const { meaning, fix } = ADVISORIES.find((a) => a.id === "CVE-2026-93834") ?? {};
    return `The guest 'mir' must have CVE-2026-93834 acknowledged, ${found}: ${meaning ?? ""}; ${fix ?? ""}; or add { "id": "CVE-2026-93834", "until": "YYYY-MM-DD" } to acknowledged of this policy.`;
  };
  const until = (day: string): object => ({ acknowledged: [{ id: "CVE-2026-93834", until: day }] });

  it("holds for a guest that uses none", async () => {
    assert.deepEqual(await said(knownVulnerable, lab()), []);
  });

  it("names a writable 9p share, and user-mode network", async () => {
    assert.deepEqual(await said(knownVulnerable, writable), [message("found none")]);
    const user = await said(knownVulnerable, lab({ network: { mode: "user", sshPort: 22022 } }));
    assert.equal(user.length, 1);
    assert.match(
      user[0] ?? "",
      /^The guest 'mir' must have CVE-2026-9539 acknowledged, found none: /,
    );
  });

  it("takes an acknowledgement until its day, and not after it", async () => {
    assert.deepEqual(await said(knownVulnerable, writable, until("2999-12-31")), []);
    assert.deepEqual(await said(knownVulnerable, writable, until("2020-01-31")), [
      message("found one that ended on 2020-01-31"),
    ]);
  });

  it("says that it cannot tell while the share's mode is not known", async () => {
    const given = lab({ share: { ...SHARE, readonly: UNKNOWN } });
    await assert.rejects(said(knownVulnerable, given), /spec\.share\.readonly/);
  });
});

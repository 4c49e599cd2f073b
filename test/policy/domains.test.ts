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
  /** Violations, each with all its messages. */
  readonly wrong: readonly (readonly [claim: string, given: Given, messages: readonly string[]])[];
  /** Resources that hold besides the good domains. */
  readonly right?: readonly (readonly [claim: string, given: Given])[];
  /** A setting that changes the messages for a resource. */
  readonly override?: readonly [config: object, given: Given, messages: readonly string[]];
  /** An input that is unknown in a preview, and its path; unset: the policy reads none. */
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
          "domain 'web': found a display of type 'vnc'; need SPICE only; fix: set graphics.type to spice, or remove that graphics device",
        ],
      ],
      [
        "VNC that a stylesheet adds",
        beside(xslt('<graphics type="vnc" port="-1"/>')),
        [
          "domain 'web': found a display of type 'vnc'; need SPICE only; fix: set graphics.type to spice, or remove that graphics device",
        ],
      ],
    ],
    right: [
      ["no declared display, which the provider makes SPICE", beside({ graphics: undefined })],
    ],
    unknown: [beside({ graphics: { type: UNKNOWN } }), /graphics\.type/],
  },
  {
    policy: qxlVideo,
    wrong: [
      [
        "another model",
        beside({ video: { type: "virtio" } }),
        [
          "domain 'web': found the video model 'virtio'; need QXL video; fix: set the model to qxl, or list it with the reason in otherModels of this policy",
        ],
      ],
      [
        "none, which the provider makes cirrus",
        beside({ video: undefined }),
        ["domain 'web': found no video device; need QXL video; fix: set video.type to qxl"],
      ],
      [
        "too little memory",
        lab({ video: { ramKiB: 8192, vramKiB: 4096, vgamemKiB: 16384 } }),
        [
          "domain 'mir': found 8192 KiB of ramKiB; need at least 16384 KiB; fix: raise ramKiB",
          "domain 'mir': found 4096 KiB of vramKiB; need at least 8192 KiB; fix: raise vramKiB",
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
          "screen of 'web': found it on 0.0.0.0 without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
      [
        "an address that the host chooses",
        beside(xslt('<graphics type="spice"/>')),
        [
          "screen of 'web': found it on the host's default address without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
      [
        "TLS and a ticket, but no entry in clientVerified",
        beside(xslt(`${OPEN}</graphics>`)),
        [
          "screen of 'web': found it on 192.0.2.1 without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
    ],
    right: [
      ["a socket", beside({ graphics: { type: "spice", listenType: "socket" } })],
      [
        "no address, which the provider makes loopback",
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
          "guest 'mir': found SPICE's clipboard on; need it off; fix: set guests[].spice.clipboard to false, or list 'mir' in clipboard of this policy",
          "guest 'mir': found SPICE's fileTransfer on; need it off; fix: set guests[].spice.fileTransfer to false, or list 'mir' in fileTransfer of this policy",
        ],
      ],
      [
        "the clipboard left to libvirt, which enables it",
        beside({ xml: { xslt: sheet('<filetransfer enable="no"/>') } }),
        [
          "guest 'web': found SPICE's clipboard on; need it off; fix: set guests[].spice.clipboard to false, or list 'web' in clipboard of this policy",
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
  {
    policy: accelerationAcknowledged,
    wrong: [
      [
        "TCG",
        lab({ type: "qemu" }),
        [
          "guest 'mir': found TCG, which is slow and not a security boundary; need KVM; fix: repair KVM (npm run doctor), or list 'mir' in tcg of this policy",
        ],
      ],
    ],
    right: [["no type", beside({ type: undefined })]],
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
          "domain 'web': found <qemu:arg value='-s'>; need no raw QEMU arguments; fix: use libvirt's own elements, or list 'web' in domains of this policy",
        ],
      ],
      [
        "an element with a computed name",
        beside(xslt('<xsl:element name="qemu:arg"/>')),
        [
          "domain 'web': found <xsl:element name='qemu:arg'>; need no raw QEMU arguments; fix: use libvirt's own elements, or list 'web' in domains of this policy",
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
        [
          "domain 'web': found <seclabel type='none'>; need QEMU confined by sVirt; fix: remove that seclabel",
        ],
      ],
      [
        "root",
        beside(xslt('<seclabel type="static" model="dac"><label>+0:+0</label></seclabel>')),
        [
          "domain 'web': found <seclabel type='static' model='dac'>; need QEMU confined by sVirt; fix: remove that seclabel",
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
          "guest 'mir': found 32768 MiB of memory; need at most 16384; fix: make the guest smaller, or raise maxMemoryMiB of this policy",
          "guest 'mir': found 32 virtual CPUs; need at most 8; fix: make the guest smaller, or raise maxVcpus of this policy",
        ],
      ],
      [
        "disk, from the host's contract",
        { type: HOST, props: { guests: [{ name: "mir", disk: { bytes: 100 * 1024 ** 3 } }] } },
        [
          "guest 'mir': found 100 GiB of disk; need at most 64; fix: make the guest smaller, or raise maxDiskGiB of this policy",
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
        "a name without the lab's",
        beside({ name: "web" }),
        [
          "resource 'web': found the name 'web' in libvirt; need the lab's name; fix: name it 'mirlab-dev-...'",
        ],
      ],
      [
        "no name",
        { type: "libvirt:index/network:Network", name: "net", props: {} },
        [
          "resource 'net': found no name in libvirt; need the lab's name; fix: name it 'mirlab-dev-...'",
        ],
      ],
      [
        "another stack's mark",
        lab({ stack: "prod" }),
        [
          "domain of 'mir-vm-domain': found the mark of stack 'prod' and guest 'mir'; need the mark of stack 'dev' and a valid guest name; fix: declare the guest by components/lab/guest.resource.ts",
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
    [
      "a resource that is not a domain",
      { type: "command:local:Command", props: { create: "true" } },
    ],
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
        it(`applies its setting ${Object.keys(config).join(", ")}`, async () =>
          assert.deepEqual(await said(policy, given, config), messages));
      }
      if (unknown !== undefined) {
        const [given, path] = unknown;
        it("throws while an input that it reads is unknown", async () =>
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
  it("judges a share in the host's contract before the domain's is known", async () => {
    const guests = [{ name: "mir", share: { path: "/var/cache/mirlab", own: false } }];
    const props = { guests, pool: { path: "/pool" }, cacheDir: "/srv/cache" };
    assert.deepEqual(await said(shareNotSensitive, { type: HOST, props }), [
      "share of 'mir': found that '/var/cache/mirlab' is in the system folder /var/cache; need a folder of its own; fix: share a folder of its own, e.g. /srv/mir",
    ]);
  });
});

describe("policy known-vulnerable", () => {
  const writable = lab({ share: { ...SHARE, readonly: false } });
  const message = (ended: string): string => {
    const { meaning, fix } = ADVISORIES.find((a) => a.id === "CVE-2026-93834") ?? {};
    return `guest 'mir': found CVE-2026-93834${ended}: ${meaning ?? ""}; need it fixed or acknowledged; fix: ${fix ?? ""}, or add { "id": "CVE-2026-93834", "until": "YYYY-MM-DD" } to acknowledged of this policy`;
  };
  const until = (day: string): object => ({ acknowledged: [{ id: "CVE-2026-93834", until: day }] });

  it("holds for a guest without an affected part", async () => {
    assert.deepEqual(await said(knownVulnerable, lab()), []);
  });

  it("names a writable 9p share, and user-mode network", async () => {
    assert.deepEqual(await said(knownVulnerable, writable), [message("")]);
    const user = await said(knownVulnerable, lab({ network: { mode: "user", sshPort: 22022 } }));
    assert.equal(user.length, 1);
    assert.match(
      user[0] ?? "",
      /^guest 'mir': found CVE-2026-9539: .+; need it fixed or acknowledged; fix: /,
    );
  });

  it("accepts an acknowledgement until its last day", async () => {
    assert.deepEqual(await said(knownVulnerable, writable, until("2999-12-31")), []);
    assert.deepEqual(await said(knownVulnerable, writable, until("2020-01-31")), [
      message(", acknowledged until 2020-01-31"),
    ]);
  });

  it("throws while the share's mode is unknown", async () => {
    const given = lab({ share: { ...SHARE, readonly: UNKNOWN } });
    await assert.rejects(said(knownVulnerable, given), /spec\.share\.readonly/);
  });
});

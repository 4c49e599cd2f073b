import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ADVISORIES } from "../../components/host/advisories";
import { accelerationAcknowledged } from "../../policies/accelerationAcknowledged";
import { confined } from "../../policies/confined";
import { guestSizeLimits } from "../../policies/guestSizeLimits";
import { knownVulnerable } from "../../policies/knownVulnerable";
import { namesAndLabels } from "../../policies/namesAndLabels";
import { noQemuCommandline } from "../../policies/noQemuCommandline";
import { Case, SHARE, testsOf, xslt } from "./domains";
import { beside, HOST, lab, said, UNKNOWN } from "./support";

const CASES: readonly Case[] = [
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
          "resource 'web': found the name 'web' in libvirt; need the lab's name; fix: name it 'mirlab-LAB-...'",
        ],
      ],
      [
        "no name",
        { type: "libvirt:index/network:Network", name: "net", props: {} },
        [
          "resource 'net': found no name in libvirt; need the lab's name; fix: name it 'mirlab-LAB-...'",
        ],
      ],
      [
        "another lab's mark",
        lab({ stack: "prod" }),
        [
          "domain of 'mir-vm-domain': found the mark of lab 'prod' and guest 'mir' in 'mirlab-dev-mir'; need a valid guest name, and the same lab and guest in name and mark; fix: declare the guest by components/lab/guest.resource.ts",
        ],
      ],
    ],
    unknown: [beside({ name: UNKNOWN }), /name/],
  },
];

describe("policies of a domain", () => {
  for (const each of CASES) {
    describe(each.policy.name, () => {
      for (const [claim, test] of testsOf(each)) it(claim, test);
    });
  }
});

describe("policy known-vulnerable", () => {
  const writable = lab({ share: { ...SHARE, readonly: false } });
  const message = (ended: string): string => {
    const { meaning, fix, fixedUpstream } = ADVISORIES.find((a) => a.id === "CVE-2026-93834") ?? {};
    return `guest 'mir': found CVE-2026-93834${ended}: ${meaning ?? ""} (fixed in qemu ${fixedUpstream ?? ""}); need it fixed or acknowledged; fix: ${fix ?? ""}, or add { "id": "CVE-2026-93834", "until": "YYYY-MM-DD" } to acknowledged of this policy`;
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

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { driftText } from "../../../../components/domain/drift";
import { DomainObservation, observedFacts } from "../../../../components/domain/observation";
import {
  Baseline,
  declaredFacts,
  driftOf,
  liveLacks,
  rebase,
} from "../../../../components/domain/baseline";
import { DomainSpec, domainXml } from "../../../../components/domain/definition";

const SPEC: DomainSpec = {
  ...{ name: "mirlab-dev-mir", stack: "dev", guest: "mir", type: "qemu" },
  ...{ memoryMiB: 2048, vcpus: 2, mac: "52:54:00:01:02:03" },
  ...{ disk: "/pool/disk.qcow2", seed: "/pool/seed.iso", serialLog: "/log/mir.serial.log" },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: false },
  network: { mode: "user", sshPort: 20022 },
};
const TICKET = "a ticket";
const DECLARED = declaredFacts(SPEC);

function seen(change: Partial<DomainObservation> = {}): DomainObservation {
  const xml = domainXml(SPEC, { ticket: TICKET }).replace('machine="q35"', 'machine="pc-q35-7.2"');
  return {
    ...{ uuid: "u", name: SPEC.name, state: "running", reason: "booted" },
    ...{ autostart: false, managedSave: false, persistent: true, snapshots: 0, version: "9.0.0" },
    ...{ inactiveXml: xml, liveXml: xml, ticket: TICKET },
    ...change,
  };
}
const BASELINE: Baseline = { ...observedFacts(seen()), version: "9.0.0" };
const words = (change: Partial<DomainObservation>): string[] =>
  driftOf(BASELINE, seen(change)).map(driftText);
const edited = (from: string, to: string): string => {
  const xml = seen().inactiveXml.replace(from, to);
  assert.notEqual(xml, seen().inactiveXml);
  return xml;
};

describe("drift of a domain", () => {
  it("is none in a domain as created", () => assert.deepEqual(words({}), []));

  const table: [string, Partial<DomainObservation>, string[]][] = [
    [
      "a domain that was switched off",
      { state: "shut off", reason: "destroyed", liveXml: undefined },
      ["state: declared running, found shut off (destroyed); healed by a start"],
    ],
    [
      "a suspended one",
      { state: "paused", reason: "user" },
      ["state: declared running, found paused (user); healed while it runs"],
    ],
    [
      "an undefined one that still runs",
      { persistent: false },
      ["definition: declared persistent, persistent absent; healed in the definition alone"],
    ],
    [
      "one that starts with the host",
      { autostart: true },
      ["autostart: declared disable, persistent enable; healed in the definition alone"],
    ],
    [
      "a changed mark",
      { inactiveXml: edited("<mirlab:stack>dev", "<mirlab:stack>other") },
      [
        "metadata/mirlab:owner/mirlab:stack: declared dev, persistent other, live dev; healed in the definition alone",
      ],
    ],
  ];
  for (const [what, change, expected] of table) {
    it(`reports ${what}`, () => assert.deepEqual(words(change), expected));
  }
});

describe("a guest that starts with the host", () => {
  const declared = declaredFacts({ ...SPEC, autostart: true });

  it("is declared beside the definition, which is the same", () => {
    assert.deepEqual(
      Object.entries(declared).filter(([path, value]) => DECLARED[path] !== value),
      [["autostart", "enable"]],
    );
    assert.deepEqual(liveLacks(declared, observedFacts(seen()).live ?? {}), []);
  });

  it("is reported where somebody has switched that off", () => {
    const baseline = { ...observedFacts(seen({ autostart: true })), version: "9.0.0" };
    assert.deepEqual(driftOf(baseline, seen()).map(driftText), [
      "autostart: declared enable, persistent disable; healed in the definition alone",
    ]);
  });
});

describe("the running domain", () => {
  it("has all declared facts except those outside the definition", () => {
    assert.deepEqual(liveLacks(DECLARED, observedFacts(seen()).live ?? {}), []);
  });
  it("lacks hardware that it was started without", () => {
    const live = observedFacts(seen({ liveXml: edited('vgamem="16384"', 'vgamem="8192"') })).live;
    assert.deepEqual(liveLacks(DECLARED, live ?? {}), [
      "video/model.vgamem: declared 16384, found 8192",
    ]);
  });
});

describe("the baseline", () => {
  const other = edited("<on_crash>preserve", "<description>x</description><on_crash>preserve");

  it("stays while the versions are the same, so that an edit is drift", () => {
    const was = { baseline: BASELINE, pending: "" };
    assert.deepEqual(rebase(was, seen({ inactiveXml: other }), DECLARED), was);
  });

  it("takes over another libvirt's spelling of undeclared facts only", () => {
    const cirrus = other.replace('type="qxl"', 'type="cirrus"');
    const now = seen({ version: "10.0.0", inactiveXml: cirrus });
    const { baseline } = rebase({ baseline: BASELINE, pending: "" }, now, DECLARED);
    assert.deepEqual(
      driftOf(baseline, now).map((item) => item.field),
      ["video/model.type"],
    );
  });

  it("follows the pending power cycle of a domain, whoever did it", () => {
    const old = edited('vgamem="16384"', 'vgamem="8192"');
    const waiting: Baseline = {
      ...BASELINE,
      live: observedFacts(seen({ liveXml: old })).live ?? {},
    };
    const was = { baseline: waiting, pending: "power cycle" };
    assert.deepEqual(rebase(was, seen({ liveXml: old }), DECLARED), was);
    assert.deepEqual(rebase(was, seen(), DECLARED), { baseline: BASELINE, pending: "" });
  });
});

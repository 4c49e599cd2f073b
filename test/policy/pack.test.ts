import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { domainXml, DomainSpec } from "../../components/domain/definition";
import { partsOfDomain, partsOfSpec } from "../../components/domain/declaredParts";
import { policyReport, policyText } from "../../cli/policyReport";
import { POLICIES } from "../../policies/policies";
import { ROOT } from "../unit/support";
import { SPEC } from "./support";

describe("the pack", () => {
  it("holds every policy file, each with a stable name, a level's reason and a fix", () => {
    const others = ["index.ts", "kit.ts", "policies.ts"];
    const files = readdirSync(join(ROOT, "policies")).filter(
      (f) => f.endsWith(".ts") && !others.includes(f),
    );
    assert.equal(POLICIES.length, files.length);
    assert.equal(new Set(POLICIES.map((p) => p.name)).size, POLICIES.length);
    for (const policy of POLICIES) {
      assert.match(policy.name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.equal(policy.url, `docs/policies.md#${policy.name}`);
      for (const text of [policy.description, policy.why, policy.remediationSteps]) {
        assert.match(text, /\.$/, policy.name);
      }
    }
  });

  it("has names that configuration files rely on", () => {
    assert.deepEqual(
      POLICIES.map((p) => `${p.name} ${p.enforcementLevel}`),
      [
        "spice-only mandatory",
        "qxl-video mandatory",
        "spice-not-exposed mandatory",
        "no-clipboard-or-file-transfer mandatory",
        "share-mapped-not-passthrough mandatory",
        "share-not-sensitive mandatory",
        "share-readonly advisory",
        "readiness-present mandatory",
        "image-pinned mandatory",
        "host-key-pinned mandatory",
        "no-plain-or-unverified-libvirt-uri mandatory",
        "no-secret-in-plain-input remediate",
        "data-disk-protected mandatory",
        "acceleration-acknowledged advisory",
        "no-qemu-commandline mandatory",
        "confined mandatory",
        "known-vulnerable advisory",
        "guest-size-limits advisory",
        "names-and-labels mandatory",
      ],
    );
  });

  it("loads no resource and no provider SDK: they cost a preview seconds", () => {
    const script = `
      require("./policies/policies.ts");
      const loaded = Object.keys(require.cache).map((f) => f.slice(process.cwd().length + 1));
      console.log(loaded.join("\\n"));`;
    const argv = ["--require", "./core/register.js", "--eval", script];
    const loaded = execFileSync(process.execPath, argv, { cwd: ROOT, encoding: "utf8" });
    assert.match(loaded, /^components\/domain\/declaredParts\.ts$/m);
    assert.doesNotMatch(
      loaded,
      /^(sdks|node_modules\/@pulumi\/(libvirt|command))\/|\.(resource|provider|io)\.ts$/m,
    );
  });
});

describe("partsOfSpec", () => {
  // The XML that a spec becomes, read as somebody's stylesheet would be.
  const parsed = (spec: DomainSpec) =>
    partsOfDomain({ xml: { xslt: domainXml(spec, { ticket: "x" }) } }, "it");

  it("says what the generated definition says", () => {
    const specs: DomainSpec[] = [
      SPEC,
      { ...SPEC, spice: { port: 5902, clipboard: true, fileTransfer: true } },
      { ...SPEC, share: { path: "/srv/b", tag: "share", readonly: false } },
      { ...SPEC, share: undefined },
      { ...SPEC, video: { ramKiB: 16384, vramKiB: 8192, vgamemKiB: 8192 } },
    ];
    for (const spec of specs) {
      const [told, xml] = [partsOfSpec(spec), parsed(spec)];
      assert.deepEqual(told.graphics, xml.graphics.slice(1));
      assert.deepEqual(told.videos, xml.videos);
      assert.deepEqual(JSON.parse(JSON.stringify(told.shares)), [...xml.shares]);
      assert.deepEqual(told.labels, xml.labels);
    }
  });
});

describe("policyReport", () => {
  const policies = [
    { name: "a-policy", severity: "high", remediationSteps: "Do." },
    { name: "b-policy", severity: "low", remediationSteps: "Do too." },
    { name: "c-policy", severity: "low", remediationSteps: "Do that." },
    { name: "d-policy", severity: "low", remediationSteps: "Do all." },
  ];
  const event = (policyName: string, enforcementLevel: string, message: string): string =>
    JSON.stringify({
      policyEvent: {
        ...{ policyName, enforcementLevel, message, policyPackName: "mirlab" },
        resourceUrn: "urn:pulumi:dev::mirlab::t:i:T::mir",
      },
    });
  const log = [
    JSON.stringify({ sequence: 1, preludeEvent: { config: {} } }),
    event("b-policy", "mandatory", "<{%reset%}>It is so.\nThe guest 'mir' is not.\n<{%reset%}>"),
    event("b-policy", "advisory", "It is so.\nAnd more."),
    event("c-policy", "advisory", "It is so.\nNearly."),
    event("d-policy", "advisory", "can't run policy 'd-policy' from policy pack: unknown"),
  ].join("\n");

  it("says of each policy the worst, with its messages", () => {
    assert.deepEqual(policyText(policyReport(log, policies, "dev")).split("\n"), [
      "  ok    a-policy",
      "  FAIL  b-policy (low)",
      "        The guest 'mir' is not.",
      "  WARN  c-policy (low)",
      "        Nearly.",
      "  ?     d-policy",
      "        asked by 'up', which knows more: mir",
      "policy: dev: 1 ok, 1 advisory, 1 violated, 1 not known before up",
    ]);
  });

  it("throws for no answer, for one that is none, and for a policy that nobody knows", () => {
    assert.throws(() => policyReport("", policies, "dev"), /the engine told nothing/);
    assert.throws(() => policyReport('{"policyEvent":1}', policies, "dev"));
    assert.throws(() => policyReport(log, [], "dev"), /no policy is named b-policy/);
  });
});

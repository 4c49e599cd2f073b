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
  it("has every policy file, each with a stable name, a reason and a fix", () => {
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

  it("has the names that configuration files rely on", () => {
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

  it("loads no resource and no provider SDK, which would cost a preview seconds", () => {
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
  // The XML of a spec, read like a stylesheet.
  const parsed = (spec: DomainSpec) =>
    partsOfDomain({ xml: { xslt: domainXml(spec, { ticket: "x" }) } }, "it");

  it("matches the generated definition", () => {
    const specs: DomainSpec[] = [
      SPEC,
      { ...SPEC, spice: { port: 5902, clipboard: true, fileTransfer: true } },
      { ...SPEC, share: { path: "/srv/b", tag: "share", readonly: false } },
      { ...SPEC, share: undefined },
      { ...SPEC, video: { ramKiB: 16384, vramKiB: 8192, vgamemKiB: 8192 } },
    ];
    for (const spec of specs) {
      const [parts, xml] = [partsOfSpec(spec), parsed(spec)];
      assert.deepEqual(parts.graphics, xml.graphics.slice(1));
      assert.deepEqual(parts.videos, xml.videos);
      assert.deepEqual(JSON.parse(JSON.stringify(parts.shares)), [...xml.shares]);
      assert.deepEqual(parts.labels, xml.labels);
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

  it("has the worst status of each policy, with its messages", () => {
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

  it("throws for a missing or malformed answer, and for an unknown policy", () => {
    assert.throws(() => policyReport("", policies, "dev"), /the engine reported nothing/);
    assert.throws(() => policyReport('{"policyEvent":1}', policies, "dev"));
    assert.throws(() => policyReport(log, [], "dev"), /no policy is named b-policy/);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { driftReport, driftText } from "../../../cli/driftReport";

const urn = (type: string, name: string): string =>
  `urn:pulumi:dev::mirlab::mirlab:index:Guest$${type}::${name}`;
const DOMAIN = "pulumi-nodejs:dynamic/mir:DomainContract";
const READINESS = "pulumi-nodejs:dynamic/mir:MirReadiness";
const same = { op: "same", urn: urn(DOMAIN, "b-vm-domain"), oldState: { inputs: { drift: [] } } };

const answer = (steps: object[], changeSummary: Record<string, number>): string =>
  JSON.stringify({ config: {}, steps, diagnostics: [], duration: 1, changeSummary });

describe("a preview's drift", () => {
  it("is none in a quiet stack, whatever was refreshed", () => {
    const refresh = { op: "refresh", urn: urn(DOMAIN, "b-vm-domain") };
    const report = driftReport(answer([refresh, same], { same: 1 }), "dev");
    assert.deepEqual(report, { version: 1, stack: "dev", resources: [] });
    assert.equal(driftText(report), "no drift in dev");
  });

  const steps = [
    same,
    {
      ...{ op: "update", urn: urn(DOMAIN, "a-vm-domain") },
      oldState: { inputs: { drift: ["vcpu: declared 2, persistent 1; healed ..."] }, outputs: {} },
    },
    { op: "update", urn: urn("pulumi-nodejs:dynamic/mir:GuestBoot", "a-boot"), oldState: {} },
    {
      ...{ op: "update", urn: urn(READINESS, "a-readiness") },
      oldState: {
        inputs: {},
        outputs: { status: "not ready", reasons: ["session: found failed"] },
      },
    },
    { op: "create", urn: urn("libvirt:index/volume:Volume", "a-vm-disk") },
    { op: "update", urn: urn("x:y:Z", "a-ports"), oldState: {}, diffReasons: ["create"] },
  ];

  it("names each resource and each difference in its own words", () => {
    const report = driftReport(answer(steps, { same: 1, update: 4, create: 1 }), "dev");
    assert.deepEqual(driftText(report).split("\n"), [
      "a-vm-domain: vcpu: declared 2, persistent 1; healed ...",
      "a-boot: update, because it depends on a changed resource",
      "a-readiness: session: found failed",
      "a-vm-disk: create, because it depends on a changed resource",
      "a-ports: create: not as declared",
      "drift in dev: 4 resource(s); 'npm run up' puts it right",
    ]);
    assert.deepEqual(report.resources[0], {
      ...{ name: "a-vm-domain", type: DOMAIN, op: "update" },
      drift: ["vcpu: declared 2, persistent 1; healed ..."],
    });
  });

  const bad: [string, string][] = [
    ["half an answer", answer(steps, {}).slice(0, -9)],
    ["nothing", ""],
    ["another thing", "[]"],
    ["no summary", JSON.stringify({ steps: [] })],
    ["counted changes without a step", answer([], { update: 1 })],
  ];
  for (const [what, text] of bad) {
    it(`is no answer for ${what}`, () => assert.throws(() => driftReport(text, "dev")));
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { POLICIES } from "../../policies/policies";
import { Finding, findings, Level, Settings } from "./analyzer";
import { CASES, lacking } from "./cases";
import { Given } from "./support";

process.env.MIRLAB_HOME = "/work-home";

/** The reported level: a remediation that changes nothing counts as mandatory. */
const reported = (level: Level): Level => (level === "remediate" ? "mandatory" : level);

for (const policy of POLICIES) {
  const { name, description, enforcementLevel, configSchema } = policy;

  describe(`policy ${name}, run by the SDK`, () => {
    it("has its five cases, and one for each setting", () => assert.deepEqual(lacking(policy), []));

    const cases = CASES[name];
    if (cases === undefined) return;
    const say = (stack: readonly Given[], settings: Settings = {}): Promise<Finding[]> =>
      findings(name, stack, settings);
    const count = async (stack: readonly Given[], settings?: Settings): Promise<number> =>
      (await say(stack, settings)).length;

    it("holds", async () => assert.deepEqual(await say(cases.holds), []));

    it(`reports a violation at its own level, ${enforcementLevel}`, async () => {
      const found = await say(cases.breaks);
      assert.ok(found.length > 0);
      for (const { level, message } of found) {
        assert.equal(level, reported(enforcementLevel));
        // The rule, then the violation in the form of every failure.
        const [first, second = ""] = message.split("\n");
        assert.equal(first, description);
        assert.match(second, /^[^:]+: found .+; need .+; fix: .+[^.]$/);
      }
    });

    const { what, stack, findings: expected } = cases.missing;
    it(`${expected === 0 ? "holds" : "is violated"} without ${what}`, async () => {
      assert.equal(await count(stack), expected);
    });

    it("names an unknown input in a preview, and does not stop the preview", async () => {
      const found = await say(cases.unknown.stack);
      if (cases.unknown.waitsFor === undefined) {
        assert.equal(found.length, cases.unknown.findings);
        return;
      }
      assert.equal(found.length, 1);
      const [{ level, message } = { level: "disabled", message: "" }] = found;
      assert.equal(level, "advisory");
      assert.match(message, new RegExp(`^can't run policy '${name}' .* during preview: `));
      assert.match(message, cases.unknown.waitsFor);
    });

    for (const [key, setting] of Object.entries(cases.settings)) {
      it(`applies its setting ${key}, with a value of the schema's type`, async () => {
        assert.equal(await count(setting.stack), setting.without, "without it");
        assert.equal(await count(setting.stack, { [key]: setting.value }), setting.with, "with it");
        assert.equal(typeOf(setting.value), configSchema?.properties[key]?.type);
      });
    }

    it("applies another level of the configuration, also disabled", async () => {
      for (const level of ["advisory", "mandatory"] as const) {
        const levels = (await say(cases.breaks, { enforcementLevel: level })).map((f) => f.level);
        assert.deepEqual([...new Set(levels)], [level]);
      }
      assert.deepEqual(await say(cases.breaks, { enforcementLevel: "disabled" }), []);
    });
  });
}

/** The type's name in JSON Schema. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

describe("the cases of the policies", () => {
  it("belong to existing policies", () => {
    const names = POLICIES.map((p) => p.name);
    assert.deepEqual(
      Object.keys(CASES).filter((name) => !names.includes(name)),
      [],
    );
  });

  it("are required for a new policy and a new setting", () => {
    const [policy] = POLICIES;
    assert.ok(policy);
    const stranger = { ...policy, name: "new-policy" };
    assert.deepEqual(lacking(stranger), [
      "new-policy: found no cases; need five; fix: add them to test/policy/cases.ts",
    ]);
    const more = {
      ...policy,
      configSchema: { properties: { extra: { type: "string" as const } } },
    };
    assert.deepEqual(lacking(more), [
      "spice-only: found no case of its setting extra; need one; fix: correct test/policy/cases.ts",
    ]);
    const own = CASES[policy.name];
    assert.ok(own);
    const empty = { ...own, breaks: [], unknown: { stack: [...own.holds], findings: 0 } };
    assert.equal(lacking(policy, { [policy.name]: empty }).length, 2);
  });
});

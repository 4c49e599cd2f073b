import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { POLICIES } from "../../policies/policies";
import { Finding, findings, Level, Settings } from "./analyzer";
import { CASES, lacking } from "./cases";
import { Given } from "./support";

process.env.MIRLAB_HOME = "/work-home";

/** The level of a finding: a remediation that changes nothing counts as mandatory. */
const told = (level: Level): Level => (level === "remediate" ? "mandatory" : level);

for (const policy of POLICIES) {
  const { name, description, enforcementLevel, configSchema } = policy;

  describe(`policy ${name}, asked by the SDK`, () => {
    it("has its five cases, and one of each setting", () => assert.deepEqual(lacking(policy), []));

    const cases = CASES[name];
    if (cases === undefined) return;
    const say = (stack: readonly Given[], settings: Settings = {}): Promise<Finding[]> =>
      findings(name, stack, settings);
    const count = async (stack: readonly Given[], settings?: Settings): Promise<number> =>
      (await say(stack, settings)).length;

    it("holds", async () => assert.deepEqual(await say(cases.holds), []));

    it(`tells what breaks it at its own level, ${enforcementLevel}`, async () => {
      const found = await say(cases.breaks);
      assert.ok(found.length > 0);
      for (const { level, message } of found) {
        assert.equal(level, told(enforcementLevel));
        // What has to be so, then of what it is not so, found and fix.
        const [first, second = ""] = message.split("\n");
        assert.equal(first, description);
        assert.match(second, /^The .+ must .+, found |^The gate .+ must hold: .+; /);
      }
    });

    const { what, stack, findings: expected } = cases.missing;
    it(`${expected === 0 ? "is content" : "is not content"} without ${what}`, async () => {
      assert.equal(await count(stack), expected);
    });

    it("says in a preview what it cannot tell yet, and stops nothing by it", async () => {
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
      it(`goes by its setting ${key}, for a value that its schema allows`, async () => {
        assert.equal(await count(setting.stack), setting.without, "without it");
        assert.equal(await count(setting.stack, { [key]: setting.value }), setting.with, "with it");
        assert.equal(typeOf(setting.value), configSchema?.properties[key]?.type);
      });
    }

    it("takes another level from the configuration, off included", async () => {
      for (const level of ["advisory", "mandatory"] as const) {
        const levels = (await say(cases.breaks, { enforcementLevel: level })).map((f) => f.level);
        assert.deepEqual([...new Set(levels)], [level]);
      }
      assert.deepEqual(await say(cases.breaks, { enforcementLevel: "disabled" }), []);
    });
  });
}

/** In the words of JSON Schema. */
function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

describe("the cases of the policies", () => {
  it("are of no policy that is not there", () => {
    const names = POLICIES.map((p) => p.name);
    assert.deepEqual(
      Object.keys(CASES).filter((name) => !names.includes(name)),
      [],
    );
  });

  it("are missed when a new policy or a new setting has none", () => {
    const [policy] = POLICIES;
    assert.ok(policy);
    const stranger = { ...policy, name: "new-policy" };
    assert.deepEqual(lacking(stranger), ["new-policy: found no cases, required five; add them"]);
    const more = {
      ...policy,
      configSchema: { properties: { extra: { type: "string" as const } } },
    };
    assert.deepEqual(lacking(more), [
      "spice-only: found no case of its setting extra, required one; correct test/policy/cases.ts",
    ]);
    const own = CASES[policy.name];
    assert.ok(own);
    const empty = { ...own, breaks: [], unknown: { stack: [...own.holds], findings: 0 } };
    assert.equal(lacking(policy, { [policy.name]: empty }).length, 2);
  });
});

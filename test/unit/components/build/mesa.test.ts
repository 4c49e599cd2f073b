import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BuildOrder } from "../../../../components/build/build";
import { MesaFacts, mesaPlan, readMesaFacts } from "../../../../components/build/mesa";
import { identityOf, SoftwareConfig } from "../../../../components/build/software";

const SUITE: SoftwareConfig = {
  ...{ source: "package", when: "unmet" },
  package: { suite: "bookworm-backports" },
};
const ALWAYS = { ...SUITE, when: "always" } as const;
const DISTRO: SoftwareConfig = { source: "distro", when: "unmet" };
const IDENTITY = identityOf({ kind: "suite", suite: "bookworm-backports", name: "mesa" });
const [OLD, NEW] = ["22.3.6-1+deb12u1", "25.0.7-2~bpo12+1"] as const;

const FACTS: MesaFacts = { distro: OLD, ours: null };
const OURS = { identity: IDENTITY, kept: false, mesa: NEW, whole: true };
const TRIED: MesaFacts = { distro: OLD, ours: OURS };
const KEPT: MesaFacts = { distro: OLD, ours: { ...OURS, kept: true } };

describe("the plan for a guest's Mesa", () => {
  const other = { ...KEPT, ours: { ...OURS, kept: true, identity: "0".repeat(64) } };
  const broken = { ...KEPT, ours: { ...OURS, kept: true, whole: false } };
  const table: readonly [string, SoftwareConfig, string, MesaFacts, string, string][] = [
    ["the distribution's Mesa meets the gate", SUITE, ">= 22.3", FACTS, "distro", ""],
    ["it does not meet the gate", SUITE, ">= 24.0", FACTS, "ours", "install try keep"],
    ["always, with a met gate", ALWAYS, ">= 22.3", FACTS, "ours", "install try keep"],
    ["never", { ...SUITE, when: "never" }, ">= 99.0", FACTS, "leave", ""],
    ["`up` was killed after the installation", SUITE, ">= 24.0", TRIED, "ours", "try keep"],
    ["the Mesa is kept", SUITE, ">= 24.0", KEPT, "ours", ""],
    ["one of its packages is missing", SUITE, ">= 24.0", broken, "ours", "install try keep"],
    ["another Mesa is declared", SUITE, ">= 24.0", other, "ours", "install try keep"],
    ["the gate was lowered", SUITE, ">= 22.3", KEPT, "distro", "restore"],
    ["the source was removed", DISTRO, ">= 24.0", KEPT, "distro", "restore"],
    ["`up` was killed on the way back", SUITE, ">= 22.3", broken, "distro", "restore"],
    ["the lab installed no Mesa", DISTRO, ">= 99.0", FACTS, "distro", ""],
    [
      ...(["the guest has no Mesa", SUITE, ">= 10.3.0", { distro: null, ours: null }] as const),
      ...(["ours", "install try keep"] as const),
    ],
  ];
  for (const [what, config, gate, facts, target, steps] of table) {
    it(`${what}: ${target}${steps === "" ? "" : `, ${steps}`}`, () => {
      const plan = mesaPlan(config, gate, facts, "tcg after its host");
      assert.deepEqual([plan.target, plan.steps.map((s) => s.do).join(" ")], [target, steps]);
    });
  }

  it("names the steps, the reason and the time", () => {
    const words = (config: SoftwareConfig, gate: string, facts: MesaFacts): string =>
      mesaPlan(config, gate, facts, "kvm").words;
    assert.equal(
      words(SUITE, ">= 24.0", FACTS),
      `mesa ${OLD} does not meet >= 24.0: up installs Mesa of bookworm-backports, tries Mir with it, and keeps it if it passes; about 2 min`,
    );
    assert.equal(
      words(SUITE, ">= 24.0", TRIED),
      `mesa ${OLD} does not meet >= 24.0: up tries Mir with Mesa ${NEW}, and keeps it if it passes; about 1 min`,
    );
    assert.equal(
      words(SUITE, ">= 22.3", KEPT),
      `mesa ${OLD} meets >= 22.3: up returns from Mesa ${NEW} to the distribution's`,
    );
    assert.equal(words(SUITE, ">= 24.0", KEPT), "");
  });

  it("names the source of a build", () => {
    const order: BuildOrder = {
      ...{ kind: "mesa", base: "softpipe", recipe: "0".repeat(64), fragments: [], patches: [] },
      source: { package: "mesa", suite: "bookworm" },
    };
    const config = { source: "build", when: "always", build: order } as const;
    const { words, steps } = mesaPlan(config, ">= 10.3.0", FACTS, "tcg after its host");
    assert.match(
      words,
      /^mesa\.when is 'always': up builds mesa \(mesa of bookworm\), about \d+ min, tries Mir with it, and keeps it if it passes$/,
    );
    assert.deepEqual(steps[0], { do: "install", origin: { kind: "build", order } });
    const identity = identityOf({ kind: "build", order });
    const kept = { distro: OLD, ours: { ...OURS, identity, kept: true } };
    assert.equal(mesaPlan(config, ">= 10.3.0", kept, "tcg after its host").words, "");
    const other = { ...config, build: { ...order, base: "llvmpipe" } };
    assert.equal(mesaPlan(other, ">= 10.3.0", kept, "tcg after its host").steps.length, 3);
  });

  it("is empty after its own steps, from any state", () => {
    const ours = fc.option(
      fc.record({
        identity: fc.constantFrom(IDENTITY, "0".repeat(64)),
        ...{ kept: fc.boolean(), whole: fc.boolean(), mesa: fc.constant(NEW) },
      }),
    );
    const configs = fc.constantFrom(SUITE, ALWAYS, DISTRO);
    fc.assert(
      fc.property(ours, configs, fc.constantFrom(">= 22.3", ">= 24.0"), (o, config, gate) => {
        let facts: MesaFacts = { distro: OLD, ours: o };
        const { steps, target } = mesaPlan(config, gate, facts, "kvm");
        for (const step of steps) {
          if (step.do === "install") facts = TRIED;
          if (step.do === "keep") {
            assert.deepEqual(facts.ours?.whole, true, "only a complete Mesa is kept");
            facts = KEPT;
          }
          if (step.do === "restore") facts = FACTS;
        }
        const after = mesaPlan(config, gate, facts, "kvm");
        assert.deepEqual([after.target, after.steps, after.words], [target, [], ""]);
      }),
    );
  });
});

describe("a guest's answer about its Mesa", () => {
  const answer = { version: 1, ...TRIED };
  it("is read, and refused when malformed", () => {
    assert.deepEqual(readMesaFacts(JSON.stringify(answer)), TRIED);
    assert.deepEqual(readMesaFacts(JSON.stringify({ version: 1, ...FACTS })), FACTS);
    for (const change of [
      { distro: "$(id)" },
      { ours: { ...OURS, identity: "x" } },
      { ours: { ...OURS, mesa: "1\n2" } },
      { version: 2 },
    ]) {
      assert.throws(
        () => readMesaFacts(JSON.stringify({ ...answer, ...change })),
        /^Error: mesa: /,
      );
    }
    assert.throws(() => readMesaFacts("<html>"), /mesa: the guest's answer is not JSON/);
  });
});

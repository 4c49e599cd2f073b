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
    ["a gate that the distribution meets", SUITE, ">= 22.3", FACTS, "distro", ""],
    ["a gate that it does not meet", SUITE, ">= 24.0", FACTS, "ours", "install try keep"],
    ["always, with a gate that is met", ALWAYS, ">= 22.3", FACTS, "ours", "install try keep"],
    ["never", { ...SUITE, when: "never" }, ">= 99.0", FACTS, "leave", ""],
    ["an install whose `up` was killed", SUITE, ">= 24.0", TRIED, "ours", "try keep"],
    ["one that is kept", SUITE, ">= 24.0", KEPT, "ours", ""],
    ["one of which a package is gone", SUITE, ">= 24.0", broken, "ours", "install try keep"],
    ["another one than is declared", SUITE, ">= 24.0", other, "ours", "install try keep"],
    ["a gate that is lowered again", SUITE, ">= 22.3", KEPT, "distro", "restore"],
    ["a source that is removed", DISTRO, ">= 24.0", KEPT, "distro", "restore"],
    ["a way back that was cut off", SUITE, ">= 22.3", broken, "distro", "restore"],
    ["a guest with nothing of ours", DISTRO, ">= 99.0", FACTS, "distro", ""],
    [
      ...(["a guest without Mesa", SUITE, ">= 10.3.0", { distro: null, ours: null }] as const),
      ...(["ours", "install try keep"] as const),
    ],
  ];
  for (const [what, config, gate, facts, target, steps] of table) {
    it(`${what}: ${target}${steps === "" ? "" : `, ${steps}`}`, () => {
      const plan = mesaPlan(config, gate, facts, "tcg after its host");
      assert.deepEqual([plan.target, plan.steps.map((s) => s.do).join(" ")], [target, steps]);
    });
  }

  it("says what is done, why, and how long it takes", () => {
    const words = (config: SoftwareConfig, gate: string, facts: MesaFacts): string =>
      mesaPlan(config, gate, facts, "kvm").words;
    assert.equal(
      words(SUITE, ">= 24.0", FACTS),
      `mesa ${OLD} does not meet >= 24.0: up installs Mesa of bookworm-backports, has Mir draw with it, and keeps it if that goes well; about 2 min`,
    );
    assert.equal(
      words(SUITE, ">= 24.0", TRIED),
      `mesa ${OLD} does not meet >= 24.0: up has Mir draw with Mesa ${NEW}, and keeps it if that goes well; about 1 min`,
    );
    assert.equal(
      words(SUITE, ">= 22.3", KEPT),
      `mesa ${OLD} meets >= 22.3: up goes back to the distribution's Mesa from ${NEW}`,
    );
    assert.equal(words(SUITE, ">= 24.0", KEPT), "");
  });

  it("says what is compiled", () => {
    const order: BuildOrder = {
      ...{ kind: "mesa", base: "softpipe", recipe: "0".repeat(64), fragments: [], patches: [] },
      source: { package: "mesa", suite: "bookworm" },
    };
    const config = { source: "build", when: "always", build: order } as const;
    const { words, steps } = mesaPlan(config, ">= 10.3.0", FACTS, "tcg after its host");
    assert.match(
      words,
      /^mesa\.when is 'always': up builds mesa \(mesa of bookworm\), about \d+ min, has Mir draw with it, and keeps it if that goes well$/,
    );
    assert.deepEqual(steps[0], { do: "install", origin: { kind: "build", order } });
    const identity = identityOf({ kind: "build", order });
    const kept = { distro: OLD, ours: { ...OURS, identity, kept: true } };
    assert.equal(mesaPlan(config, ">= 10.3.0", kept, "tcg after its host").words, "");
    const other = { ...config, build: { ...order, base: "llvmpipe" } };
    assert.equal(mesaPlan(other, ">= 10.3.0", kept, "tcg after its host").steps.length, 3);
  });

  it("is done after its own steps, from any state", () => {
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
            assert.deepEqual(facts.ours?.whole, true, "only what is there is kept");
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

describe("what a guest tells of its Mesa", () => {
  const told = { version: 1, ...TRIED };
  it("is read, and refused when it is anything else", () => {
    assert.deepEqual(readMesaFacts(JSON.stringify(told)), TRIED);
    assert.deepEqual(readMesaFacts(JSON.stringify({ version: 1, ...FACTS })), FACTS);
    for (const change of [
      { distro: "$(id)" },
      { ours: { ...OURS, identity: "x" } },
      { ours: { ...OURS, mesa: "1\n2" } },
      { version: 2 },
    ]) {
      assert.throws(() => readMesaFacts(JSON.stringify({ ...told, ...change })), /^Error: mesa: /);
    }
    assert.throws(() => readMesaFacts("<html>"), /mesa: the guest's answer is not JSON/);
  });
});

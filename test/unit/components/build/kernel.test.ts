import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  KERNEL_PACKAGE,
  KernelFacts,
  kernelPlan,
  neededSymbols,
  readKernelFacts,
  settledConfig,
} from "../../../../components/build/kernel";
import { identityOf, originOf, SoftwareConfig } from "../../../../components/build/software";

const SUITE: SoftwareConfig = {
  ...{ source: "package", when: "unmet" },
  package: { suite: "bookworm-backports" },
};
const BUILD: SoftwareConfig = {
  ...{ source: "build", when: "unmet" },
  build: {
    ...{ kind: "kernel", base: "tiny", recipe: "0".repeat(64), fragments: [], patches: [] },
    source: { package: "linux-source-6.12", suite: "bookworm-security" },
  },
};
const ORIGIN = { kind: "suite", suite: "bookworm-backports", name: "linux-image-amd64" } as const;
const IDENTITY = identityOf(ORIGIN);
const [OLD, NEW] = ["6.1.0-56-amd64", "6.12.9+deb12-amd64"] as const;

const FACTS: KernelFacts = {
  ...{ running: OLD, bootId: "", installed: [OLD], ours: [], saved: null, pinned: false },
  basis: null,
};
const OURS = { release: NEW, identity: IDENTITY, foreign: false };
const INSTALLED: KernelFacts = {
  ...{ ...FACTS, installed: [NEW, OLD], ours: [OURS] },
  ...{ saved: OLD, pinned: true },
};
const KEPT: KernelFacts = { ...INSTALLED, running: NEW, saved: NEW };

function plan(config: SoftwareConfig, gate: string, facts: KernelFacts): [string, string] {
  const { target, steps } = kernelPlan(config, gate, facts, "tcg after its host");
  return [target, steps.map((s) => s.do).join(" ")];
}

describe("the plan for a guest's kernel", () => {
  const always = { ...SUITE, when: "always" } as const;
  const distro: SoftwareConfig = { source: "distro", when: "unmet" };
  const table: readonly [string, SoftwareConfig, string, KernelFacts, string, string][] = [
    ["a gate that the distribution meets", SUITE, ">= 6.1", FACTS, "distro", ""],
    ["a gate that it does not meet", SUITE, ">= 6.12", FACTS, "ours", "install boot keep"],
    ["a gate that a build is for", BUILD, ">= 6.12", FACTS, "ours", "install boot keep"],
    ["a build, with a gate that is met", BUILD, ">= 6.1", FACTS, "distro", ""],
    ["always, with a gate that is met", always, ">= 6.1", FACTS, "ours", "install boot keep"],
    [
      "never, with a gate that is not met",
      { ...SUITE, when: "never" },
      ">= 9.9",
      FACTS,
      "leave",
      "",
    ],
    ["an install that was cut off after it", SUITE, ">= 6.12", INSTALLED, "ours", "boot keep"],
    [
      ...(["a boot whose `up` was killed", SUITE, ">= 6.12"] as const),
      ...([{ ...INSTALLED, running: NEW }, "ours", "keep"] as const),
    ],
    ["a kernel that is kept", SUITE, ">= 6.12", KEPT, "ours", ""],
    [
      ...(["a kernel that somebody booted past", SUITE, ">= 6.12"] as const),
      ...([{ ...KEPT, running: OLD }, "ours", "boot keep"] as const),
    ],
    [
      ...(["another default than ours", SUITE, ">= 6.12"] as const),
      ...([{ ...KEPT, saved: OLD }, "ours", "keep"] as const),
    ],
    [
      ...(["an install that was cut off in it", SUITE, ">= 6.12"] as const),
      ...([{ ...INSTALLED, installed: [OLD] }, "ours", "install boot keep"] as const),
    ],
    ["a gate that is lowered again", SUITE, ">= 6.1", KEPT, "distro", "boot restore"],
    ["a source that is removed", distro, ">= 6.12", KEPT, "distro", "boot restore"],
    ["the way back, cut off after its boot", SUITE, ">= 6.1", INSTALLED, "distro", "restore"],
    ["a guest without any of ours", distro, ">= 9.9", FACTS, "distro", ""],
  ];
  for (const [what, config, gate, facts, target, steps] of table) {
    it(`${what}: ${target}${steps === "" ? "" : `, ${steps}`}`, () => {
      assert.deepEqual(plan(config, gate, facts), [target, steps]);
    });
  }

  it("says what is done, why, and how long it takes", () => {
    assert.equal(
      kernelPlan(SUITE, ">= 6.12", FACTS, "kvm").words,
      "kernel 6.1.0-56-amd64 does not meet >= 6.12: up installs linux-image-amd64 of bookworm-backports, boots it once, and keeps it if it passes; about 3 min",
    );
    assert.equal(
      kernelPlan(SUITE, ">= 6.1", KEPT, "kvm").words,
      `kernel 6.1.0-56-amd64 meets >= 6.1: up goes back to ${OLD}, and takes ${NEW} away`,
    );
    assert.equal(kernelPlan(SUITE, ">= 6.12", KEPT, "kvm").words, "");
    assert.match(
      kernelPlan(BUILD, ">= 6.12", FACTS, "tcg after its host").words,
      /^kernel 6\.1\.0-56-amd64 does not meet >= 6\.12: up builds linux 6\.12 \(linux-source-6\.12 of bookworm-security\), about \d+ min, boots it once, and keeps it if it passes$/,
    );
    const alone = kernelPlan(BUILD, ">= 6.12", FACTS, "tcg alone").words;
    assert.match(alone, /, about \d{3} min, boots it once/);
  });

  it("makes what the running kernel was recorded as part of a build's identity", () => {
    const build = { ...BUILD.build, base: "running" } as typeof BUILD.build;
    const config = { ...BUILD, build };
    const basis = "a".repeat(64);
    const settled = settledConfig(config, { basis });
    assert.equal(settled.build?.basis, basis);
    assert.deepEqual(settledConfig(config, { basis: null }), config);
    assert.deepEqual(settledConfig(BUILD, { basis }), BUILD);
    const origin = originOf(settled, KERNEL_PACKAGE);
    const ours = [{ ...OURS, identity: origin === undefined ? "" : identityOf(origin) }];
    const made = { ...KEPT, ours, basis };
    assert.deepEqual(plan(config, ">= 6.12", made), ["ours", ""]);
    assert.deepEqual(plan(config, ">= 6.12", { ...made, basis: "b".repeat(64) }), [
      "ours",
      "install boot keep",
    ]);
  });

  it("never takes away what the guest's owner had installed", () => {
    const foreign = { ...KEPT, ours: [{ ...OURS, foreign: true }] };
    const { steps, words } = kernelPlan(SUITE, ">= 6.1", foreign, "tcg after its host");
    assert.deepEqual(
      steps.map((s) => s.do),
      ["restore"],
    );
    assert.doesNotMatch(words, /away/);
  });

  it("refuses to go back where no kernel of the distribution is left", () => {
    assert.throws(
      () => kernelPlan(distro, ">= 6.1", { ...KEPT, installed: [NEW] }, "tcg after its host"),
      /found no kernel of the distribution in the guest's \/boot, required one to go back to; install linux-image-amd64 there/,
    );
  });

  it("is done after its own steps, from any state", () => {
    const state = fc.record({
      running: fc.constantFrom(OLD, NEW),
      there: fc.boolean(),
      marked: fc.boolean(),
      saved: fc.constantFrom(OLD, NEW, null),
      pinned: fc.boolean(),
    });
    const configs = fc.constantFrom(SUITE, BUILD, always, distro);
    fc.assert(
      fc.property(state, configs, fc.constantFrom(">= 6.1", ">= 6.12"), (s, config, gate) => {
        const origin = originOf(config, KERNEL_PACKAGE) ?? ORIGIN;
        const ours = [{ ...OURS, identity: identityOf(origin) }];
        let facts: KernelFacts = {
          ...{ bootId: "", running: s.there ? s.running : OLD },
          installed: s.there ? [NEW, OLD] : [OLD],
          ours: s.marked || s.there ? ours : [],
          ...{ saved: s.saved, pinned: s.pinned, basis: null },
        };
        const { steps, target, release = NEW } = kernelPlan(config, gate, facts, "kvm");
        for (const step of steps) {
          if (step.do === "install") {
            facts = { ...facts, installed: [NEW, OLD], ours, saved: OLD, pinned: true };
          }
          if (step.do === "boot") facts = { ...facts, running: release };
          if (step.do === "keep") facts = { ...facts, saved: NEW, pinned: true };
          if (step.do === "restore") {
            assert.equal(facts.running, OLD, "what runs is not taken away");
            facts = { ...FACTS };
          }
        }
        const after = kernelPlan(config, gate, facts, "kvm");
        assert.deepEqual([after.target, after.steps, after.words], [target, [], ""]);
      }),
    );
  });
});

describe("what a guest tells of its kernels", () => {
  const told = {
    ...{ version: 2, running: OLD, bootId: "0f0f0f0f-0000-4000-8000-000000000000" },
    ...{ installed: [OLD], ours: [OURS], saved: null, pinned: false, basis: null },
  };
  it("is read, and refused when it is anything else", () => {
    assert.equal(readKernelFacts(JSON.stringify(told)).running, OLD);
    for (const change of [
      { running: "6.1; reboot" },
      { installed: ["../../etc"] },
      { ours: [{ ...OURS, release: "$(id)" }] },
      { version: 1 },
      { basis: "../../etc/shadow" },
    ]) {
      assert.throws(
        () => readKernelFacts(JSON.stringify({ ...told, ...change })),
        /^Error: kernel: /,
      );
    }
    assert.throws(() => readKernelFacts("<html>"), /kernel: the guest's answer is not JSON/);
  });
});

it("9p is needed where there is a share only", () => {
  assert.ok(neededSymbols(true).includes("NET_9P_VIRTIO"));
  assert.ok(!neededSymbols(false).some((s) => s.includes("9P")));
  assert.ok(neededSymbols(false).includes("DRM_QXL"));
});

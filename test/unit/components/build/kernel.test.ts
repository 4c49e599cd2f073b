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
    ["the distribution's kernel meets the gate", SUITE, ">= 6.1", FACTS, "distro", ""],
    ["it does not meet the gate", SUITE, ">= 6.12", FACTS, "ours", "install boot keep"],
    ["a build, with an unmet gate", BUILD, ">= 6.12", FACTS, "ours", "install boot keep"],
    ["a build, with a met gate", BUILD, ">= 6.1", FACTS, "distro", ""],
    ["always, with a met gate", always, ">= 6.1", FACTS, "ours", "install boot keep"],
    ["never, with an unmet gate", { ...SUITE, when: "never" }, ">= 9.9", FACTS, "leave", ""],
    ["`up` was killed after the installation", SUITE, ">= 6.12", INSTALLED, "ours", "boot keep"],
    [
      ...(["`up` was killed after the boot", SUITE, ">= 6.12"] as const),
      ...([{ ...INSTALLED, running: NEW }, "ours", "keep"] as const),
    ],
    ["the kernel is the default", SUITE, ">= 6.12", KEPT, "ours", ""],
    [
      ...(["somebody booted another kernel", SUITE, ">= 6.12"] as const),
      ...([{ ...KEPT, running: OLD }, "ours", "boot keep"] as const),
    ],
    [
      ...(["another kernel is the default", SUITE, ">= 6.12"] as const),
      ...([{ ...KEPT, saved: OLD }, "ours", "keep"] as const),
    ],
    [
      ...(["`up` was killed during the installation", SUITE, ">= 6.12"] as const),
      ...([{ ...INSTALLED, installed: [OLD] }, "ours", "install boot keep"] as const),
    ],
    ["the gate was lowered", SUITE, ">= 6.1", KEPT, "distro", "boot restore"],
    ["the source was removed", distro, ">= 6.12", KEPT, "distro", "boot restore"],
    ["`up` was killed on the way back", SUITE, ">= 6.1", INSTALLED, "distro", "restore"],
    ["the lab installed no kernel", distro, ">= 9.9", FACTS, "distro", ""],
  ];
  for (const [what, config, gate, facts, target, steps] of table) {
    it(`${what}: ${target}${steps === "" ? "" : `, ${steps}`}`, () => {
      assert.deepEqual(plan(config, gate, facts), [target, steps]);
    });
  }

  it("names the steps, the reason and the time", () => {
    assert.equal(
      kernelPlan(SUITE, ">= 6.12", FACTS, "kvm").words,
      "kernel 6.1.0-56-amd64 does not meet >= 6.12: up installs linux-image-amd64 of bookworm-backports, boots it once, and keeps it if it passes; about 3 min",
    );
    assert.equal(
      kernelPlan(SUITE, ">= 6.1", KEPT, "kvm").words,
      `kernel 6.1.0-56-amd64 meets >= 6.1: up returns to ${OLD}, and removes ${NEW}`,
    );
    assert.equal(kernelPlan(SUITE, ">= 6.12", KEPT, "kvm").words, "");
    assert.match(
      kernelPlan(BUILD, ">= 6.12", FACTS, "tcg after its host").words,
      /^kernel 6\.1\.0-56-amd64 does not meet >= 6\.12: up builds linux 6\.12 \(linux-source-6\.12 of bookworm-security\), about \d+ min, boots it once, and keeps it if it passes$/,
    );
    const alone = kernelPlan(BUILD, ">= 6.12", FACTS, "tcg alone").words;
    assert.match(alone, /, about \d{3} min, boots it once/);
  });

  it("includes the recorded configuration of the running kernel in a build's identity", () => {
    const build = { ...BUILD.build, base: "running" } as typeof BUILD.build;
    const config = { ...BUILD, build };
    const basis = "a".repeat(64);
    const settled = settledConfig(config, { basis });
    assert.equal(settled.build?.basis, basis);
    assert.deepEqual(settledConfig(config, { basis: null }), config);
    assert.deepEqual(settledConfig(BUILD, { basis }), BUILD);
    const origin = originOf(settled, KERNEL_PACKAGE);
    const ours = [{ ...OURS, identity: origin === undefined ? "" : identityOf(origin) }];
    const built = { ...KEPT, ours, basis };
    assert.deepEqual(plan(config, ">= 6.12", built), ["ours", ""]);
    assert.deepEqual(plan(config, ">= 6.12", { ...built, basis: "b".repeat(64) }), [
      "ours",
      "install boot keep",
    ]);
  });

  it("never removes a kernel that the guest's owner installed", () => {
    const foreign = { ...KEPT, ours: [{ ...OURS, foreign: true }] };
    const { steps, words } = kernelPlan(SUITE, ">= 6.1", foreign, "tcg after its host");
    assert.deepEqual(
      steps.map((s) => s.do),
      ["restore"],
    );
    assert.doesNotMatch(words, /removes/);
  });

  it("fails if no kernel of the distribution is left to return to", () => {
    assert.throws(
      () => kernelPlan(distro, ">= 6.1", { ...KEPT, installed: [NEW] }, "tcg after its host"),
      /found no kernel of the distribution in the guest's \/boot; need one to return to; fix: install linux-image-amd64 in the guest$/,
    );
  });

  it("is empty after its own steps, from any state", () => {
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
            assert.equal(facts.running, OLD, "the running kernel is not removed");
            facts = { ...FACTS };
          }
        }
        const after = kernelPlan(config, gate, facts, "kvm");
        assert.deepEqual([after.target, after.steps, after.words], [target, [], ""]);
      }),
    );
  });
});

describe("a guest's answer about its kernels", () => {
  const answer = {
    ...{ version: 2, running: OLD, bootId: "0f0f0f0f-0000-4000-8000-000000000000" },
    ...{ installed: [OLD], ours: [OURS], saved: null, pinned: false, basis: null },
  };
  it("is read, and refused when malformed", () => {
    assert.equal(readKernelFacts(JSON.stringify(answer)).running, OLD);
    for (const change of [
      { running: "6.1; reboot" },
      { installed: ["../../etc"] },
      { ours: [{ ...OURS, release: "$(id)" }] },
      { version: 1 },
      { basis: "../../etc/shadow" },
    ]) {
      assert.throws(
        () => readKernelFacts(JSON.stringify({ ...answer, ...change })),
        /^Error: kernel: /,
      );
    }
    assert.throws(() => readKernelFacts("<html>"), /kernel: the guest's answer is not JSON/);
  });
});

it("9p is needed only for a share", () => {
  assert.ok(neededSymbols(true).includes("NET_9P_VIRTIO"));
  assert.ok(!neededSymbols(false).some((s) => s.includes("9P")));
  assert.ok(neededSymbols(false).includes("DRM_QXL"));
  assert.ok(neededSymbols(false, "virtio").includes("DRM_VIRTIO_GPU"));
  assert.ok(!neededSymbols(false, "bochs").includes("DRM_QXL"));
});

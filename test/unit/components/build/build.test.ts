import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  buildIdentity,
  BuildOrder,
  buildNeeds,
  buildWords,
  isWarm,
  paceOf,
  progressText,
  readBuildState,
  readPrepared,
  specText,
} from "../../../../components/build/build";

const SHA = "0123456789abcdef".repeat(4);
const COMMIT = "0123456789".repeat(4);
const ORDER: BuildOrder = {
  ...{ kind: "kernel", base: "tiny", recipe: SHA },
  source: { package: "linux-source-6.12", suite: "bookworm-security" },
  fragments: [{ name: "/srv/a/my.config", text: "CONFIG_NUMA=y\n" }],
  patches: [{ file: "/srv/a/fix.patch", sha256: SHA }],
};
const PLACE = { cacheDir: "/c", lab: "dev", sizeGiB: 10, distcc: [], vcpus: 2 };

describe("a build's identity", () => {
  const same: [string, Partial<BuildOrder>][] = [
    ["how many compilers run", { jobs: 7 }],
    ["where a fragment lies", { fragments: [{ name: "/b", text: "CONFIG_NUMA=y\n" }] }],
    ["where a patch lies", { patches: [{ file: "/b", sha256: SHA }] }],
  ];
  for (const [what, change] of same) {
    it(`does not depend on ${what}`, () => {
      assert.equal(buildIdentity({ ...ORDER, ...change }), buildIdentity(ORDER));
    });
  }
  const other: [string, Partial<BuildOrder>][] = [
    ["the kind", { kind: "mesa" }],
    ["the base", { base: "defconfig" }],
    ["the recorded configuration of the guest's kernel", { basis: SHA }],
    ["the source", { source: { package: "linux-source-6.1", suite: "bookworm-security" } }],
    ["the suite", { source: { package: "linux-source-6.12", suite: "bookworm-backports" } }],
    ["a fragment's text", { fragments: [{ name: "/srv/a/my.config", text: "CONFIG_NUMA=n\n" }] }],
    ["the fragments' number", { fragments: [] }],
    ["a patch", { patches: [{ file: "/srv/a/fix.patch", sha256: SHA.replace("0", "1") }] }],
    ["the recipe", { recipe: SHA.replace("0", "1") }],
    ["the suite whose libraries it is linked with", { libraries: "trixie" }],
  ];
  for (const [what, change] of other) {
    it(`depends on ${what}`, () => {
      assert.notEqual(buildIdentity({ ...ORDER, ...change }), buildIdentity(ORDER));
    });
  }
  it("depends on the content of a tar, not on its URL", () => {
    const from = (url: string, sha256: string) =>
      buildIdentity({ ...ORDER, source: { url, sha256 } });
    assert.equal(from("https://a/x.tar", SHA), from("https://b/x.tar", SHA));
    assert.notEqual(from("https://a/x.tar", SHA), from("https://a/x.tar", SHA.replace("0", "1")));
  });
});

describe("a build's source", () => {
  const url = "https://cdn.example/linux.tar.xz";
  it("has a short description", () => {
    assert.equal(buildWords(ORDER), "linux 6.12 (linux-source-6.12 of bookworm-security)");
    assert.equal(buildWords({ ...ORDER, source: { url, sha256: SHA } }), "linux (linux.tar.xz)");
    assert.equal(
      buildWords({ ...ORDER, source: { git: "/srv/linux", commit: COMMIT } }),
      "linux (commit 012345678901 of /srv/linux)",
    );
  });
});

it("the spec for the host's script has one line per value, without folders of this machine", () => {
  assert.equal(
    specText(ORDER, ["EXT4_FS", "DRM_QXL"]),
    [
      "kind kernel",
      "source package linux-source-6.12 bookworm-security",
      "base tiny",
      `suffix -mirlab-${buildIdentity(ORDER).slice(0, 8)}`,
      "need EXT4_FS",
      "need DRM_QXL",
      "fragment 00 my.config",
      `patch 00 ${SHA} fix.patch`,
      "",
    ].join("\n"),
  );
});

it("the host compiles too if the guest would take hours, if distcc helps, or if configured", () => {
  const on = (["auto", "always", "never"] as const).map((warm) =>
    (["kvm", "tcg"] as const).map((acceleration) => isWarm({ ...PLACE, warm }, acceleration)),
  );
  assert.deepEqual(on, [
    [false, true],
    [true, true],
    [false, false],
  ]);
  const distcc = [{ port: 3632, jobs: 8 }];
  assert.ok(isWarm({ ...PLACE, warm: "auto", distcc }, "kvm"));
  const never = { ...PLACE, warm: "never" } as const;
  assert.deepEqual(
    [paceOf(never, "kvm"), paceOf(undefined, "tcg"), paceOf(never, "tcg")],
    ["kvm", "tcg after its host", "tcg alone"],
  );
});

it("each base has its own need of disk and memory", () => {
  assert.ok(buildNeeds(ORDER).disk < buildNeeds({ ...ORDER, base: "defconfig" }).disk);
});

describe("the scripts' answers", () => {
  const manifest = `release 6.12.9-mirlab-01234567\nsteps 1480\ninput ${SHA} 123\ntools ${SHA} 456 ${SHA}\n`;
  it("of the host are read, and refused when malformed", () => {
    assert.deepEqual(readPrepared(manifest), {
      ...{ release: "6.12.9-mirlab-01234567", steps: 1480, input: SHA, tools: SHA },
    });
    assert.equal(readPrepared(manifest.replace("1480", "")).steps, 0);
    for (const wrong of ["", manifest.replace(SHA, "x"), manifest.replace("6.12.9", "$(id)")]) {
      assert.throws(
        () => readPrepared(wrong),
        /^Error: build: found no manifest in the host's answer; need one; fix: run 'up' again$/,
      );
    }
  });

  it("of the guest are read, and refused when malformed", () => {
    const state = readBuildState(`running ${SHA} 412 120 compile\n`);
    assert.deepEqual(state, {
      ...{ state: "running", identity: SHA, steps: 412, seconds: 120, phase: "compile" },
    });
    assert.equal(progressText(state, 1480), "compile: 412 of 1480 steps; 120 s");
    assert.equal(progressText({ ...state, phase: "" }, 0), "starting: 412 steps; 120 s");
    assert.equal(progressText(state, 411), "compile: 412 steps; 120 s");
    assert.equal(readBuildState("none - 0 0 ").state, "none");
    for (const wrong of ["", "idle - 0 0 ", `done ${SHA} x 0 `, `done ${SHA} 0 0 \u001b[2J`]) {
      assert.throws(() => readBuildState(wrong), /the guest's answer is not a build's state/);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CHECKS, judge } from "../../../../../components/readiness/checks";
import { Wanted } from "../../../../../components/readiness/checks/check";
import { isMet, unmet, verdictText } from "../../../../../core/verdict";
import { card, Change, judged, PROOFS, READY, verdict, WANTED } from "./judged";

const unit = (change: object): Change => ({ unit: { ...READY.facts.unit, ...change } as never });
const wayland = (change: object): Change => ({
  wayland: { ...READY.facts.wayland, ...change } as never,
});
const tests = (change: object): Change => ({ tests: { ...READY.facts.tests, ...change } as never });
const failed = { code: 1, said: "FAILURE" };

describe("a screen that a display manager holds", () => {
  const held = (change: object): Change => ({ displayManager: "gdm.service", ...change });

  it("is named by session and harness, with the command that frees it", () => {
    for (const [id, change] of [
      ["session", { session: "failed", ...unit({ result: "exit-code" }) }],
      ["harness", tests({ harness: { code: 1, said: "EBUSY" } })],
    ] as const) {
      const text = verdictText(verdict(id, held(change)));
      assert.match(text, /gdm\.service/);
      assert.match(text, /systemctl disable --now gdm\.service/, id);
    }
  });

  it("is no fault while the session runs", () => {
    for (const id of ["session", "harness"]) assert.deepEqual(verdict(id, held({})), verdict(id));
  });
});

describe("the checks", () => {
  it("have unique ids, in tiers in the right order", () => {
    const ids = CHECKS.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[a-z0-9-]+$/);
    assert.deepEqual([...new Set(CHECKS.map(({ tier }) => tier))], ["boot", "graphics", "session"]);
  });

  it("keep the ids that states and documents use", () => {
    const ids = new Set(CHECKS.map(({ id }) => id));
    for (const id of "kernel mesa drm gles renderer session platform share picture".split(" ")) {
      assert.ok(ids.has(id), id);
    }
  });

  it("refer to existing lines of the page", () => {
    for (const { id, page } of CHECKS) assert.ok(page === null || (page > 0 && page <= 56), id);
  });
});

describe("judge", () => {
  it("accepts a guest that runs Mir, and skips the test that its harness cannot run", () => {
    const verdicts = judged();
    assert.deepEqual(
      verdicts.map(({ id }) => id),
      CHECKS.map(({ id }) => id),
    );
    assert.deepEqual(verdicts.filter((v) => !isMet(v)).map(verdictText), []);
    assert.deepEqual(verdicts.filter((v) => v.status === "skipped").map(verdictText), [
      "cpu: skipped: the CPU is not emulated",
      "harness: skipped: this Mir's harness asks for an entry point that its platform modules no longer have ('undefined symbol: probe_graphics_platform')",
      "test-shells: skipped: the guest does not have this test",
      "pointer: skipped: the session's log does not name a cursor",
      "outputs: skipped: no output is declared",
    ]);
  });

  it("returns no verdict for what was not observed", () => {
    assert.deepEqual(judge({}, WANTED), []);
    const ssh = judge({ proofs: { ssh: unmet("no answer") } }, WANTED);
    assert.deepEqual(
      ssh.map((v) => [v.id, v.status]),
      [["ssh", "unmet"]],
    );
    const facts = judge({ guest: READY }, WANTED).map(({ id }) => id);
    assert.ok(!facts.includes("picture") && facts.includes("kernel"));
  });

  it("never treats an unknown fact as met", () => {
    const nothing = Object.fromEntries(
      Object.keys(READY.facts).map((key) => [key, key === "errors" ? { drm: "why" } : null]),
    );
    const verdicts = judged({ ...nothing, sessionSeconds: null });
    const passed = verdicts.filter((v) => v.status === "met").map(({ id }) => id);
    assert.deepEqual(
      passed,
      Object.keys(PROOFS).filter((id) => passed.includes(id)),
    );
    const drm = verdicts.find(({ id }) => id === "drm");
    assert.deepEqual([drm?.status, drm?.found], ["unknown", "nothing (why)"]);
  });

  it("describes a failure with its fix", () => {
    assert.equal(
      verdictText(verdict("kernel", { kernel: "3.17.8-1-amd64" })),
      "kernel: found 3.17.8-1-amd64; need >= 3.18; fix: install a newer kernel by guests[].kernel (docs/builds.md), or lower guests[].gates.kernel",
    );
    assert.equal(
      verdictText(verdict("drm", card({ driver: "cirrus", pciId: "1013:00b8" }))),
      "drm: found cirrus on 1013:00b8; need qxl bound to a card 1b36:0100 in /dev/dri; fix: make the domain's video QXL again: 'preview' reports the edit, and 'up' repairs it unless guests[].onDrift is 'report'",
    );
  });
});

/** The check, the changed facts, what it finds, and whether waiting can meet it. */
const UNMET: [string, Change, string, boolean?][] = [
  ["cloud-init", { cloudInit: { status: "running", errors: [] } }, "running", true],
  ["cloud-init", { cloudInit: { status: "error", errors: ["apt failed"] } }, "apt failed"],
  ["cloud-init", { cloudInit: { status: "done", errors: ["late"] } }, "late"],
  ["kernel", { kernel: "3.9.0", newestKernel: "3.9.0" }, "3.9.0"],
  ["kernel", { kernel: "unknown", newestKernel: "unknown" }, "unknown"],
  [
    "kernel-newest",
    { newestKernel: "6.12.0-1-amd64" },
    "6.1.0-56-amd64 while 6.12.0-1-amd64 is installed",
  ],
  ["kernel-9p", { kernelConfig: { DRM_QXL: "m", NET_9P_VIRTIO: "n" } }, "n"],
  ["kernel-9p", { kernelConfig: null, mounts: [] }, "no configuration file, and no 9p mount"],
  [
    "known-bad",
    { kernel: "6.10.3", newestKernel: "6.10.3" },
    "6.10.3: 9p mixes up inodes: a file that was just made is not found (https://github.com/torvalds/linux/commit/be2ca38)",
  ],
  ["kernel-qxl", { kernelConfig: { DRM_QXL: "n", NET_9P_VIRTIO: "m" } }, "n"],
  ["drm", card({ driver: null }), "no driver on 1b36:0100"],
  ["prime", card({ primeExport: false }), "import"],
  ["prime", card({ primeExport: false, primeImport: false }), "neither"],
  [
    "display",
    card({ connectors: [{ name: "Virtual-1", status: "disconnected", modes: 0 }] }),
    "no connected connector with a mode",
    true,
  ],
  ["display", card({ crtcs: 0 }), "Virtual-1 with 35 modes, 0 crtcs", true],
  ["mesa", { mesa: "10.2.9" }, "10.2.9"],
  ["mesa", { mesa: "devel" }, "devel"],
  ["gles", { gles: "OpenGL ES 1.1 Mesa 22.3.6" }, "OpenGL ES 1.1 Mesa 22.3.6"],
  ["gles", { gles: "OpenGL 4.5" }, "OpenGL 4.5"],
  ["renderer", { renderer: "" }, "no name by kms_swrast"],
  ["renderer", { renderer: "Wonder GPU" }, "Wonder GPU by kms_swrast"],
  [
    "mir-platform",
    { mirPlatforms: ["input-evdev.so.8"] },
    "Mir 2.12.1 with no graphics-gbm-kms.so.*",
  ],
  [
    "mir-platform",
    { mirPlatform: "mir:gbm-kms (version 2.16.4)" },
    "Mir 2.16.4 with no renderer-egl-generic.so.*",
  ],
  ["harness", tests({ harness: failed }), "exit code 1: FAILURE"],
  ["harness", tests({ fresh: false }), "a result from before kernel, Mesa or Mir changed"],
  [
    "harness",
    { ...tests({ fresh: false }), session: "activating" },
    "a result from before kernel, Mesa or Mir changed",
    true,
  ],
  [
    "test-client",
    { ...tests({ fresh: false }), ...unit({ queued: true }) },
    "a result from before kernel, Mesa or Mir changed",
    true,
  ],
  ["session", { session: "failed", ...unit({ result: "exit-code" }) }, "failed (exit-code)", false],
  ["session", { session: "activating" }, "activating", true],
  ["session", { session: "inactive" }, "inactive", false],
  ["session", { session: "inactive", ...unit({ queued: true }) }, "inactive", true],
  ["session", { session: "inactive", ...unit({ loadState: "masked" }) }, "masked", false],
  ["session-steady", { sessionSeconds: 3 }, "no restart, up for 3 s", true],
  [
    "session-steady",
    { ...unit({ restarts: 4 }), sessionSeconds: 44 },
    "4 restarts, up for 44 s",
    true,
  ],
  ["session-steady", { sessionSeconds: null }, "not up", true],
  ["mesa-in-use", unit({ libraries: [] }), "no driver of Mesa's", true],
  [
    "mesa-in-use",
    unit({ libraries: ["/usr/lib/dri/kms_swrast_dri.so (deleted)"] }),
    "replaced since the session began: /usr/lib/dri/kms_swrast_dri.so",
    false,
  ],
  ["platform", { mirPlatform: "mir:x11" }, "mir:x11", true],
  ["platform", { mirPlatform: "x mir:gbm-kms" }, "x mir:gbm-kms", true],
  [
    "wayland",
    wayland({ globals: ["wl_compositor"] }),
    "no xdg_wm_base at /run/mir-session/wayland-0",
    true,
  ],
  ["test-client", tests({ smoke: failed }), "exit code 1: FAILURE"],
  ["test-shells", tests({ compositor: failed }), "exit code 1: FAILURE"],
  ["window", wayland({ windows: [] }), "no window; mir-session-client.service is active", true],
  [
    "window",
    { ...wayland({ windows: [] }), ...unit({ clientState: "failed" }) },
    "no window; mir-session-client.service is failed",
    false,
  ],
];

describe("an unmet check", () => {
  for (const [id, change, found, settles = false] of UNMET) {
    it(`${id}: ${found}`, () => {
      const v = verdict(id, change);
      assert.deepEqual([v.status, v.found, v.settles], ["unmet", found, settles]);
      assert.notEqual(v.remedy, "");
      const fatal = !["kernel-newest", "known-bad", "test-shells"].includes(id);
      assert.equal(v.fatal, fatal);
    });
  }
});

describe("a met check", () => {
  const table: [string, Change][] = [
    ["kernel", { kernel: "3.18.0" }],
    ["kernel", { kernel: "4.0.0-rc1+" }],
    ["known-bad", { kernel: "6.8.12" }],
    ["known-bad", { kernel: "6.12.0" }],
    ["kernel-9p", { kernelConfig: null }],
    ["kernel-qxl", { kernelConfig: null }],
    [
      "drm",
      { cards: [{ pciId: "1234:1111", driver: "bochs" }, ...(READY.facts.cards ?? [])] as never },
    ],
    ["mesa", { mesa: "10.3.0-devel" }],
    ["gles", { gles: "OpenGL ES 2.0 Mesa 10.3.0" }],
    ["renderer", { renderer: "softpipe" }],
    ["renderer", { renderer: "Gallium 0.4 on llvmpipe (LLVM 3.4, 256 bits)" }],
    ["renderer", { renderer: "virgl (AMD)" }],
    [
      "mir-platform",
      {
        mirPlatform: "mir:gbm-kms (version 2.20.0)",
        mirPlatforms: ["graphics-gbm-kms.so.22", "renderer-egl-generic.so.22"],
      },
    ],
    ["mir-platform", { mirPlatform: "mir:gbm-kms (version 2.20.0)", renderer: "virgl (AMD)" }],
    ["harness", tests({ harness: { code: 0, said: "" } })],
    ["session-steady", { ...unit({ restarts: 1 }), sessionSeconds: 45 }],
    ["platform", { mirPlatform: "mir:atomic-kms (version 2.20)" }],
    ["mesa-in-use", unit({ libraries: ["/usr/lib/x86_64-linux-gnu/libgallium-25.0.7-2.so"] })],
  ];
  for (const [id, change] of table) {
    it(`${id}: ${JSON.stringify(change).slice(0, 80)}`, () =>
      assert.equal(verdict(id, change).status, "met"));
  }
});

describe("a check that does not apply", () => {
  const noShare = { share: undefined } as unknown as Partial<Wanted>;
  const table: [string, Change, Partial<Wanted>, string][] = [
    [
      "cloud-init",
      { cloudInit: { status: "absent", errors: [] } },
      {},
      "the guest does not use cloud-init",
    ],
    ["kernel-newest", { newestKernel: null }, {}, "no kernel in /boot to compare with"],
    [
      "kernel-9p",
      { kernelConfig: { DRM_QXL: "m", NET_9P_VIRTIO: "n" } },
      noShare,
      "the guest has no share",
    ],
    ["harness", { tests: null, mir: null }, {}, "mir-test-tools is not installed in the guest"],
    ["test-client", tests({ smoke: undefined }), {}, "the guest does not have this test"],
    ["test-shells", {}, {}, "the guest does not have this test"],
    ["window", unit({ client: "none" }), {}, "no client is declared"],
    ["window", wayland({ windows: null }), {}, "the server does not list its windows"],
    [
      "mir-platform",
      { mirPlatform: null, mir: null },
      {},
      "the guest does not tell which Mir it has",
    ],
  ];
  for (const [id, change, wanted, found] of table) {
    it(`${id}: ${found}`, () => {
      const v = verdict(id, change, wanted);
      assert.deepEqual([v.status, v.found], ["skipped", found]);
    });
  }

  it("known-bad: a fault of 9p, without a share", () =>
    assert.equal(verdict("known-bad", { kernel: "6.10.3" }, noShare).status, "met"));
});

describe("a configured gate", () => {
  it("is what the check requires", () => {
    const gates = { kernel: ">= 99.0", mesa: ">= 98.1" };
    for (const id of ["kernel", "mesa"] as const) {
      const v = verdict(id, {}, { gates });
      assert.deepEqual([v.status, v.required], ["unmet", gates[id]]);
    }
  });

  it("is never met when it is malformed", () => {
    const gates = { kernel: "newest", mesa: ">= 10.3.0" };
    assert.equal(verdict("kernel", {}, { gates }).status, "unmet");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isMet, verdictText } from "../../../lib/checks/verdict";
import { GuestFacts, judge, PAGE_FLOORS } from "../../../lib/gates";

const GATES = { kernel: ">= 3.18", mesa: ">= 10.3.0" };

/** A guest that meets everything. */
const READY: GuestFacts = {
  kernel: "6.1.0-56-amd64",
  mesa: "22.3.6",
  mir: "2.12.1-1",
  drmDriver: "qxl",
  renderer: "llvmpipe (LLVM 15.0.6, 128 bits)",
  gles: "OpenGL ES 3.2 Mesa 22.3.6",
  mirPlatform: "mir:gbm-kms (version 2.12.1)",
  session: "active",
};

/** The one verdict that a changed fact is about, as text; the others must still be met. */
function told(change: Partial<GuestFacts>, gates = GATES): string {
  const unmet = judge({ ...READY, ...change }, gates).filter((verdict) => !isMet(verdict));
  assert.equal(unmet.length, 1);
  return unmet.map(verdictText).join();
}

const REMEDIES = {
  kernel: "install a newer kernel in the guest and reboot it, or lower guests[].gates.kernel",
  drm: "boot a kernel with CONFIG_DRM_QXL: on Debian linux-image-amd64, not linux-image-cloud-amd64",
  mesa: "install a newer libegl-mesa0 in the guest, or lower guests[].gates.mesa",
  gles: "install libgl1-mesa-dri and libgbm1 in the guest; 'eglinfo' there shows what is missing",
  renderer: "install libgl1-mesa-dri in the guest: it holds kms_swrast (llvmpipe)",
  session: "read 'journalctl -u mir-session -b' in the guest",
  platform:
    "install mir-platform-graphics-gbm-kms; 'journalctl -u mir-session -b' names the reason",
};

const REQUIRED = {
  kernel: ">= 3.18",
  drm: "qxl bound to a card in /dev/dri",
  mesa: ">= 10.3.0",
  gles: "an OpenGL ES 2 or newer context",
  renderer: "a Mesa renderer",
  session: "mir-session.service active",
  platform: "a KMS display platform selected in the Mir log",
};

type Id = keyof typeof REQUIRED;
const FACT: Record<Id, keyof GuestFacts> = {
  kernel: "kernel",
  drm: "drmDriver",
  mesa: "mesa",
  gles: "gles",
  renderer: "renderer",
  session: "session",
  platform: "mirPlatform",
};

describe("the page's floors", () => {
  it("are Linux 3.18 and Mesa 10.3.0", () => {
    assert.deepEqual(PAGE_FLOORS, {
      kernel: { text: ">= 3.18", floor: "3.18.0" },
      mesa: { text: ">= 10.3.0", floor: "10.3.0" },
    });
  });
});

describe("judge", () => {
  it("is content with a guest that meets everything", () => {
    const verdicts = judge(READY, GATES);
    assert.deepEqual(
      verdicts.map((v) => v.id),
      Object.keys(REQUIRED),
    );
    for (const verdict of verdicts) {
      const id = verdict.id as Id;
      assert.ok(isMet(verdict), id);
      assert.equal(verdictText(verdict), `${id}: ${READY[FACT[id]] ?? ""} meets ${REQUIRED[id]}`);
    }
  });

  const unmet: [Id, string[]][] = [
    ["kernel", ["3.17.8-1-amd64", "3.9.0", "2.6.32", "unknown", ""]],
    ["drm", ["cirrus", "qxl2", "QXL", ""]],
    ["mesa", ["10.2.9", "9.9.9", "devel", ""]],
    ["gles", ["OpenGL ES 1.1 Mesa 22.3.6", "OpenGL 4.5", ""]],
    ["renderer", ["", "  "]],
    ["session", ["inactive", "failed", "activating", "Active", ""]],
    ["platform", ["mir:x11", "mir:wayland", "mir:eglstream-kms", "x mir:gbm-kms", ""]],
  ];
  for (const [id, values] of unmet) {
    for (const found of values) {
      it(`refuses ${id} '${found}', and says what to do`, () => {
        const text = `${id}: found ${found}, need ${REQUIRED[id]}; ${REMEDIES[id]}`;
        assert.equal(told({ [FACT[id]]: found }), text);
      });
    }
    it(`takes an unknown ${id} for unmet`, () => {
      const text = `${id}: found nothing, need ${REQUIRED[id]}; ${REMEDIES[id]}`;
      assert.equal(told({ [FACT[id]]: null }), text);
    });
  }

  const met: [Id, string[]][] = [
    ["kernel", ["3.18.0", "4.0.0-rc1+", "6.1.0-56-amd64"]],
    ["mesa", ["10.3.0", "10.3.0-devel", "22.3.6"]],
    ["gles", ["OpenGL ES 2.0 Mesa 10.3.0", "OpenGL ES 3.2"]],
    ["platform", ["mir:gbm-kms", "mir:atomic-kms (version 2.20)"]],
  ];
  for (const [id, values] of met) {
    for (const found of values) {
      it(`accepts ${id} '${found}'`, () => {
        assert.ok(judge({ ...READY, [FACT[id]]: found }, GATES).every(isMet));
      });
    }
  }

  it("asks for what the configuration asks for", () => {
    const higher = { kernel: ">= 99.0", mesa: ">= 10.3.0" };
    assert.equal(
      told({}, higher),
      `kernel: found 6.1.0-56-amd64, need >= 99.0; ${REMEDIES.kernel}`,
    );
  });

  it("never takes a gate that cannot be read for met", () => {
    const broken = { kernel: "newest", mesa: ">= 10.3.0" };
    assert.equal(told({}, broken), `kernel: found 6.1.0-56-amd64, need newest; ${REMEDIES.kernel}`);
  });
});

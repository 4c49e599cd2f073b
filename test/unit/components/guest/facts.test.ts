import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readFacts } from "../../../../components/guest/facts";
import { FACTS, fixture } from "../../support";

const READY = fixture(FACTS.ready);
const NO_SESSION = fixture(FACTS.noSession);
type Facts = Record<string, unknown>;
const NAMES = Object.keys(JSON.parse(READY) as Facts);

/** The real answer with some of its facts replaced. */
function answer(changes: Facts): string {
  return JSON.stringify({ ...(JSON.parse(READY) as Facts), ...changes });
}

describe("readFacts", () => {
  it("reads the answer of a guest that runs Mir", () => {
    const { facts, sessionSeconds } = readFacts(READY);
    assert.ok((sessionSeconds ?? 0) > 5);
    const { kernel, newestKernel, kernelConfig, mesa, mir, drmDriver, renderer } = facts;
    assert.deepEqual(
      { kernel, newestKernel, kernelConfig, mesa, mir, drmDriver, renderer },
      {
        kernel: "6.1.0-56-amd64",
        newestKernel: "6.1.0-56-amd64",
        kernelConfig: { DRM_QXL: "m", NET_9P_VIRTIO: "m" },
        mesa: "22.3.6",
        mir: "2.12.1-1",
        drmDriver: "qxl",
        renderer: "llvmpipe (LLVM 15.0.6, 128 bits)",
      },
    );
    const { mesaDriver, gles, mirPlatform, session, wayland, errors } = facts;
    assert.deepEqual(
      { mesaDriver, gles, mirPlatform, session, windows: wayland?.windows, errors },
      {
        mesaDriver: "kms_swrast",
        gles: "OpenGL ES 3.2 Mesa 22.3.6",
        mirPlatform: "mir:gbm-kms (version 2.12.1)",
        session: "active",
        windows: ["Mir"],
        errors: {},
      },
    );
  });

  it("reads the answer of a guest with a stopped session", () => {
    const { facts, sessionSeconds } = readFacts(NO_SESSION);
    assert.deepEqual(
      [facts.session, facts.unit?.queued, facts.mirPlatform, facts.wayland, sessionSeconds],
      ["inactive", false, null, null, null],
    );
    assert.equal(facts.kernel, "6.1.0-56-amd64");
    assert.match(facts.errors.wayland ?? "", /^found no Wayland socket/);
  });

  it("keeps values that change with every look out of the facts", () => {
    const later = { ...(JSON.parse(READY) as { session: object }) };
    const changed = answer({
      uptimeSeconds: 99999,
      session: { ...later.session, activeSeconds: 88888 },
    });
    assert.deepEqual(readFacts(changed).facts, readFacts(READY).facts);
  });

  it("treats facts that the guest could not read as unknown", () => {
    const nothing = Object.fromEntries(NAMES.map((name) => [name, null]));
    const { facts, sessionSeconds } = readFacts(answer({ ...nothing, version: 2, errors: [] }));
    const { errors, ...rest } = facts;
    assert.ok(Object.values(rest).every((fact) => fact === null));
    assert.deepEqual([errors, sessionSeconds], [{}, null]);
    assert.equal(readFacts(answer({ drm: [] })).facts.drmDriver, null);
    const egl = { driver: null, renderer: "x", glesVersion: "OpenGL ES 3.2" };
    assert.equal(readFacts(answer({ egl })).facts.mesa, null);
  });

  it("removes control characters", () => {
    const kernel = { running: "6.1.0\u001b[2J\n\u009b31m", newestInstalled: null, config: null };
    assert.equal(readFacts(answer({ kernel })).facts.kernel, "6.1.0 [2J  31m");
  });

  const kernel = (running: unknown) => ({ running, newestInstalled: null, config: null });
  const table: [string, string, RegExp][] = [
    ["no JSON", "Traceback: no", /^Error: facts: the guest's answer is not JSON$/],
    ["two objects", `${READY}{}`, /^Error: facts: the guest's answer is not JSON$/],
    ["a list", "[]", /^Error: facts: : Invalid input: expected object, received array$/],
    [
      "another version",
      answer({ version: 1 }),
      /^Error: facts: version: Invalid input: expected 2$/,
    ],
    [
      "a missing fact",
      answer({ egl: undefined }),
      /^Error: facts: egl: Invalid input: expected object/,
    ],
    [
      "a wrong type",
      answer({ kernel: kernel(6) }),
      /^Error: facts: kernel\.running: Invalid input/,
    ],
    [
      "a long text",
      answer({ kernel: kernel("6".repeat(501)) }),
      /^Error: facts: kernel\.running: Too big/,
    ],
    ["many errors", answer({ errors: Array(65).fill({}) }), /^Error: facts: errors/],
    [
      "many windows",
      answer({ wayland: { socket: "", globals: [], windows: Array(257).fill("") } }),
      /^Error: facts: wayland\.windows: Too big/,
    ],
    ["a flood", " ".repeat(1_000_001), /^Error: facts: the guest's answer is too long$/],
  ];
  for (const [what, text, message] of table) {
    it(`refuses ${what}`, () => assert.throws(() => readFacts(text), message));
  }

  it("returns facts for any JSON, or an error that names its origin", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...NAMES), (json, name) => {
        try {
          readFacts(answer({ [name]: JSON.parse(json) as unknown }));
        } catch (error) {
          assert.match(String(error), /^Error: facts: /);
        }
      }),
    );
  });

  it("treats names of object properties as plain names", () => {
    const changed = READY.replace(
      /"errors":\[\]\}\s*$/,
      '"errors":[{"fact":"__proto__","message":"x"}]}',
    );
    assert.deepEqual(Object.keys(readFacts(changed).facts.errors), ["__proto__"]);
    assert.equal(({} as Record<string, unknown>).fact, undefined);
  });
});

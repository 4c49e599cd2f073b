import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isMet } from "../../../lib/checks/verdict";
import { judge, PAGE_FLOORS } from "../../../lib/gates";
import { readFacts } from "../../../lib/guestFacts";
import { fixture } from "../support";

const READY = fixture("facts.debian-12.mesa-22.3.6.mir-2.12.1.json");
const NO_SESSION = fixture("facts-no-session.debian-12.mesa-22.3.6.mir-2.12.1.json");
const GATES = { kernel: PAGE_FLOORS.kernel.text, mesa: PAGE_FLOORS.mesa.text };

/** The real answer with one of its facts replaced. */
function answer(changes: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(READY) as object), ...changes });
}

describe("readFacts", () => {
  it("reads what a guest that runs Mir told", () => {
    const facts = readFacts(READY);
    assert.deepEqual(facts, {
      kernel: "6.1.0-56-amd64",
      mesa: "22.3.6",
      mir: "2.12.1-1",
      drmDriver: "qxl",
      renderer: "llvmpipe (LLVM 15.0.6, 128 bits)",
      gles: "OpenGL ES 3.2 Mesa 22.3.6",
      mirPlatform: "mir:gbm-kms (version 2.12.1)",
      session: "active",
    });
    assert.ok(judge(facts, GATES).every(isMet));
  });

  it("reads what a guest without a session told", () => {
    const facts = readFacts(NO_SESSION);
    assert.deepEqual(
      [facts.session, facts.mirPlatform, facts.kernel],
      [null, null, "6.1.0-56-amd64"],
    );
    const unmet = judge(facts, GATES).filter((verdict) => !isMet(verdict));
    assert.deepEqual(
      unmet.map((verdict) => verdict.id),
      ["session", "platform"],
    );
  });

  it("takes what the guest could not tell for unknown", () => {
    const nothing = {
      kernel: null,
      packages: null,
      drm: null,
      egl: null,
      session: null,
      mirLog: null,
    };
    assert.ok(Object.values(readFacts(answer(nothing))).every((fact) => fact === null));
    assert.equal(readFacts(answer({ drm: [] })).drmDriver, null);
    assert.equal(readFacts(answer({ drm: [{ name: "card0", driver: null }] })).drmDriver, null);
    assert.equal(
      readFacts(answer({ egl: { renderer: "x", glesVersion: "OpenGL ES 3.2" } })).mesa,
      null,
    );
  });

  it("keeps control characters of the guest off the terminal", () => {
    const kernel = { running: "6.1.0\u001b[2J\n\u009b31m" };
    assert.equal(readFacts(answer({ kernel })).kernel, "6.1.0 [2J  31m");
  });

  const table: [string, string, RegExp][] = [
    ["no JSON", "Traceback: no", /^Error: facts: the guest's answer is not JSON$/],
    ["two objects", `${READY}{}`, /^Error: facts: the guest's answer is not JSON$/],
    ["a list", "[]", /^Error: facts: : Invalid input: expected object, received array$/],
    [
      "another version",
      answer({ version: 2 }),
      /^Error: facts: version: Invalid input: expected 1$/,
    ],
    [
      "a missing fact",
      answer({ egl: undefined }),
      /^Error: facts: egl: Invalid input: expected object/,
    ],
    [
      "a wrong type",
      answer({ kernel: { running: 6 } }),
      /^Error: facts: kernel\.running: Invalid input/,
    ],
    [
      "a long text",
      answer({ kernel: { running: "6".repeat(501) } }),
      /^Error: facts: kernel\.running: Too big/,
    ],
    [
      "many cards",
      answer({ drm: Array(65).fill({ name: "c", driver: null }) }),
      /^Error: facts: drm: Too big/,
    ],
    ["a flood", " ".repeat(1_000_001), /^Error: facts: the guest's answer is too long$/],
  ];
  for (const [what, text, message] of table) {
    it(`refuses ${what}`, () => assert.throws(() => readFacts(text), message));
  }

  it("answers any JSON with facts or an error that says where it is from", () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.constantFrom("kernel", "packages", "drm", "egl", "mirLog"),
        (json, key) => {
          try {
            readFacts(answer({ [key]: JSON.parse(json) as unknown }));
          } catch (error) {
            assert.match(String(error), /^Error: facts: /);
          }
        },
      ),
    );
  });
});

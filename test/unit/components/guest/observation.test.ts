import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readGuestObservation } from "../../../../components/guest/observation";
import { OBSERVED } from "../../guest";

const changed = (changes: object): string =>
  JSON.stringify({ ...(JSON.parse(OBSERVED) as object), ...changes });

describe("readGuestObservation", () => {
  it("reads the answer of a guest", () => {
    const look = readGuestObservation(OBSERVED);
    assert.deepEqual(look.errors, []);
    assert.equal(look.kernel?.kernel, "6.1.0-56-amd64");
    assert.equal(look.packages?.versions["libgl1-mesa-dri"], "22.3.6-1+deb12u2");
  });

  const REFUSED: readonly (readonly [what: string, answer: string, message: RegExp])[] = [
    ["another version", changed({ version: 1 }), /version/],
    ["no JSON", "sudo: a password is required", /is not JSON/],
    ["half an answer", OBSERVED.slice(0, -40), /is not JSON/],
    ["a missing part", changed({ mounts: undefined }), /mounts/],
    ["an endless answer", `"${"x".repeat(1_000_001)}"`, /too long/],
    ["a path with blanks", changed({ hostKeys: { "/etc/a b": "x" } }), /hostKeys/],
    ["a malformed package name", changed({ packages: { versions: { "../x": "1" } } }), /packages/],
    ["too many files", changed({ files: Array.from({ length: 501 }, () => ({})) }), /files/],
  ];
  for (const [what, answer, message] of REFUSED) {
    it(`refuses ${what}`, () => assert.throws(() => readGuestObservation(answer), message));
  }

  it("removes control characters and line ends", () => {
    const look = readGuestObservation(changed({ cloudInit: "a\u001b[2Jb\nc\u0007" }));
    assert.equal(look.cloudInit, "ab c");
  });

  it("returns an observation or a one-line error for anything that a guest may send", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.dictionary(fc.string(), fc.jsonValue()).map(changed)),
        (answer) => {
          try {
            readGuestObservation(answer);
          } catch (error) {
            const { message } = error as Error;
            assert.ok(message.length < 400, message);
            // eslint-disable-next-line no-control-regex -- control characters are what is looked for
            assert.doesNotMatch(message, /[\u0000-\u001f\u007f-\u009f]/);
          }
        },
      ),
    );
  });
});

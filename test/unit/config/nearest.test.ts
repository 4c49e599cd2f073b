import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { nearest } from "../../../config/nearest";

const KEYS = ["name", "image", "vcpus", "memoryMiB", "diskGiB", "video", "spice", "network"];

describe("nearest", () => {
  const table: [string, string | undefined][] = [
    ["memoryMib", "memoryMiB"],
    // Three edits, where a third of the word is two.
    ["memory", undefined],
    ["vcpu", "vcpus"],
    ["nmae", "name"],
    ["imgae", "image"],
    ["netwrk", "network"],
    ["x", undefined],
    ["completelyDifferent", undefined],
    ["n".repeat(65), undefined],
  ];
  for (const [word, found] of table) {
    it(`takes '${word.slice(0, 20)}' for ${found ?? "nothing known"}`, () => {
      assert.equal(nearest(word, KEYS), found);
    });
  }

  it("finds nothing where nothing is known", () => assert.equal(nearest("name", []), undefined));

  it("finds a known word as itself, in any case", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), fc.boolean(), (key, upper) => {
        assert.equal(nearest(upper ? key.toUpperCase() : key, KEYS), key);
      }),
    );
  });

  it("finds a word with one character dropped, doubled or replaced", () => {
    const edit = fc.constantFrom("drop", "double", "replace");
    fc.assert(
      fc.property(fc.constantFrom(...KEYS), fc.nat(20), edit, (key, at, how) => {
        const i = at % key.length;
        const middle = how === "drop" ? "" : how === "double" ? `${key[i]}${key[i]}` : "#";
        assert.equal(nearest(key.slice(0, i) + middle + key.slice(i + 1), KEYS), key);
      }),
    );
  });

  it("answers any word with a known one or none", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 5 }), (word, known) => {
        const found = nearest(word, known);
        assert.ok(found === undefined || known.includes(found));
      }),
    );
  });
});

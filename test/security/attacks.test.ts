/** The table of attacks refers to existing tests. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ATTACKS } from "./attacks";

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

describe("the table of attacks", () => {
  it("has S1 to S26, each once, with a test", () => {
    const ids = Array.from({ length: 26 }, (_, i) => `S${i + 1}`);
    assert.deepEqual(
      ATTACKS.map((a) => a.id),
      ids,
    );
    assert.deepEqual(
      ATTACKS.filter((a) => a.test.length === 0).map((a) => a.id),
      [],
    );
  });

  for (const { id, test } of ATTACKS) {
    it(`refers to existing tests: ${id}`, () => {
      for (const { file, name } of test) {
        assert.ok(existsSync(file), `${file} does not exist`);
        const start = new RegExp(`\\b(it|describe)\\(\\s*["'\`]${literal(name)}`);
        assert.match(readFileSync(file, "utf8"), start, `${file} has no test '${name}...'`);
      }
    });
  }
});

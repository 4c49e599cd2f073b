import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, describe, it } from "node:test";
import { fuzz } from "../fuzz/fuzz";
import { DIR } from "../fuzz/hostile";
import { SINKS } from "../fuzz/sinks";

/** The same in every run, so that a change of the code alone makes it red; `npm run test:fuzz` varies. */
const SEED = 2014;

describe("500 hostile texts do not get out of", () => {
  after(() => rmSync(DIR, { recursive: true }));

  for (const sink of SINKS) {
    it(sink.id, () => {
      assert.deepEqual(fuzz(sink, 500, SEED), { cases: 500, escapes: [] }, sink.escape);
    });
  }
});

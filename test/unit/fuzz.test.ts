import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, describe, it } from "node:test";
import { fuzz, unproven } from "../fuzz/fuzz";
import { DIR } from "../fuzz/hostile";
import { SINKS } from "../fuzz/sinks";

/** Constant, so that only a change of the code makes it fail; `npm run test:fuzz` uses other seeds. */
const SEED = 2014;

describe("500 hostile texts do not get out of", () => {
  after(() => rmSync(DIR, { recursive: true }));

  for (const sink of SINKS) {
    const skip = sink.lacks === undefined ? false : `found no ${sink.lacks}; install it`;
    it(sink.id, { skip }, () => {
      const outcome = fuzz(sink, 500, SEED);
      assert.equal(outcome.cases, 500);
      assert.deepEqual(outcome.escapes, [], sink.escape);
      assert.equal(unproven(outcome), undefined);
    });
  }
});

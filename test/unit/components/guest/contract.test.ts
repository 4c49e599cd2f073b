import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readWritten } from "../../../../components/guest/contract";

describe("readWritten", () => {
  it("accepts several digests for one path", () => {
    const [a, b] = ["a".repeat(64), "b".repeat(64)];
    assert.deepEqual(readWritten(`644 ${a} /x\n644 ${b} /x\n`), [
      { path: "/x", mode: "644", sha256: [a, b] },
    ]);
  });

  it("refuses anything else", () => {
    assert.throws(
      () => readWritten("session: no\n"),
      /^Error: describe: found 'session: no'; need mode, SHA-256 and path of a written file$/,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXAMPLES } from "../../../config/examples";
import { readLab } from "../../../config/lab";
import { configReference } from "../../../config/reference";

describe("the reference of the configuration", () => {
  for (const [i, example] of EXAMPLES.entries()) {
    it(`has valid examples: lab ${i}`, () => {
      assert.deepEqual(readLab(example).faults, []);
    });
  }

  it("has a description and an example of every key, or says which is missing", () => {
    const page = configReference();
    for (const line of [
      "| `guests[].memoryMiB` | 768 to 1048576 | `2048` | `memoryMiB: 4096` | Guest memory, MiB. |",
      "| `host.viewers` | `true`, `false` | `false` | `viewers: true` |",
      '| `guests[].image.source` | `"debian"` | `"debian"` | `source: debian` |',
      '| `guests[].image.suite` | `"noble"`, `"resolute"` | `"resolute"` | `suite: noble` |',
    ]) {
      assert.ok(page.includes(line), line);
    }
    assert.equal(page.match(/^## /gm)?.length, 7);
  });
});

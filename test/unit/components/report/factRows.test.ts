import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { factRows, FactRow } from "../../../../components/report/factRows";
import { READY } from "../../evidence";

describe("factRows", () => {
  const table: [what: string, facts: unknown, rows: FactRow[]][] = [
    ["no facts", null, []],
    ["an empty record", {}, [["", "none"]]],
    [
      "scalars",
      { a: 1, b: "x", c: null, d: true },
      [
        ["a", "1"],
        ["b", "x"],
        ["c", "unknown"],
        ["d", "true"],
      ],
    ],
    ["records in records", { a: { b: { c: 1 } } }, [["a.b.c", "1"]]],
    [
      "lists",
      { a: ["x", 2, null], b: [] },
      [
        ["a", "x\n2\nunknown"],
        ["b", "none"],
      ],
    ],
    ["small records in a list", { a: [{ n: "x", m: 6 }] }, [["a[0]", "n: x\nm: 6"]]],
    [
      "larger ones",
      { a: [{ n: "x", l: [1] }] },
      [
        ["a[0].n", "x"],
        ["a[0].l", "1"],
      ],
    ],
  ];
  for (const [what, facts, rows] of table) {
    it(`shows ${what}`, () => assert.deepEqual(factRows(facts), { rows, cut: false }));
  }

  it("shows the facts of a real guest", () => {
    const { rows, cut } = factRows(READY.facts);
    assert.equal(cut, false);
    assert.deepEqual(rows.slice(0, 2), [
      ["version", "2"],
      ["hostname", "mir"],
    ]);
    assert.ok(rows.some(([path, value]) => path === "drm[0].driver" && value === "qxl"));
  });

  it("limits the rows for any facts, and reports that it did", () => {
    const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) as unknown;
    for (const facts of [
      deep,
      { a: "x".repeat(5000) },
      Array.from({ length: 500 }, (_, i) => [[i]]),
    ]) {
      const { rows, cut } = factRows(facts);
      assert.equal(cut, true);
      assert.ok(rows.length <= 400);
    }
  });

  it("shows any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (facts) => {
        for (const [path, value] of factRows(facts).rows)
          assert.ok(`${path}${value}`.length < 3000);
      }),
    );
  });
});

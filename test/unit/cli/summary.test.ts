import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { summary } from "../../../cli/summary";

describe("summary", () => {
  it("names the picture and the report of each guest", () => {
    const told = summary({
      guests: { mir: { screenshot: "/lab/screen.png", report: "/lab/results/report.html" } },
    });
    assert.match(told, /^mir\n/);
    assert.match(
      told,
      /\n {2}picture {2}\/lab\/screen\.png\n {2}report {3}\/lab\/results\/report\.html\n/,
    );
  });
});

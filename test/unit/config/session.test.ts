import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSessionPackages } from "../../../config/session";

describe("withSessionPackages", () => {
  it("leaves a guest without Lomiri its own list", () =>
    assert.deepEqual(withSessionPackages(["htop"], { kind: "demo" }), ["htop"]));
  it("adds Lomiri's, each package once", () => {
    for (const packages of [["htop"], ["htop", "lomiri-desktop-session"]])
      assert.deepEqual(withSessionPackages(packages, { kind: "lomiri" }), [
        "htop",
        "lomiri-desktop-session",
      ]);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSessionPackages } from "../../../config/session";

describe("withSessionPackages", () => {
  it("adds nothing for a guest without Lomiri", () =>
    assert.deepEqual(withSessionPackages(["htop"], { kind: "demo" }), ["htop"]));
  it("adds the packages of Lomiri, each once", () => {
    for (const packages of [["htop"], ["htop", "lomiri-desktop-session"]])
      assert.deepEqual(withSessionPackages(packages, { kind: "lomiri" }), [
        "htop",
        "lomiri-desktop-session",
      ]);
  });
});

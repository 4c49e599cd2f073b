import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSessionPackages } from "../../../lib/session";

describe("withSessionPackages", () => {
  it("leaves a guest without Lomiri its own list", () =>
    assert.deepEqual(withSessionPackages(["htop"], { kind: "demo" }), ["htop"]));
  it("adds Lomiri's, each package once", () =>
    assert.deepEqual(withSessionPackages(["xwayland", "htop"], { kind: "lomiri" }), [
      "xwayland",
      "htop",
      "lomiri-desktop-session",
    ]));
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readLab } from "../../../config/lab";
import { GuestConfig } from "../../../config/schema";
import { mirOptions, withSessionPackages } from "../../../config/session";

function session(
  keys: object,
  image = { source: "debian", suite: "trixie" },
): GuestConfig["session"] {
  const { lab, faults } = readLab({ guests: [{ name: "mir", image, session: keys }] });
  assert.deepEqual(faults, []);
  const [guest] = lab?.guests ?? [];
  assert.ok(guest);
  return guest.session;
}

describe("withSessionPackages", () => {
  it("adds nothing for a guest with Mir's demo server", () => {
    assert.deepEqual(withSessionPackages(["htop"], session({ kind: "demo" })), ["htop"]);
  });
  it("adds the packages of Lomiri and of the platform, each once", () => {
    for (const packages of [["htop"], ["htop", "lomiri-desktop-session"]])
      assert.deepEqual(withSessionPackages(packages, session({ kind: "lomiri" })), [
        "htop",
        "lomiri-desktop-session",
      ]);
    assert.deepEqual(withSessionPackages([], session({ kind: "lomiri" }), "trixie"), [
      "lomiri-desktop-session",
      "qtwayland5",
      "lomiri-keyboard-english",
    ]);
    assert.deepEqual(withSessionPackages([], session({ platform: "atomic-kms" })), [
      "mir-platform-graphics-atomic-kms",
    ]);
    assert.deepEqual(withSessionPackages([], session({ platform: "virtual" })), [
      "mir-platform-graphics-virtual",
      "grim",
    ]);
    assert.deepEqual(withSessionPackages([], session({ console: "logind" })), ["libpam-systemd"]);
  });
});

describe("the options of Mir's demo server", () => {
  it("are the script's own where nothing is chosen", () => {
    assert.deepEqual(mirOptions(session({})), []);
    assert.deepEqual(mirOptions(session({ platform: "gbm-kms", cursor: "hardware" })), []);
  });

  it("are those of a login where logind gives the screen, as for miriway", () => {
    const login = ["--platform-display-libs=mir:gbm-kms", "--console-provider=logind"];
    assert.deepEqual(mirOptions(session({ console: "logind" })), login);
    const image = { source: "debian", suite: "forky" };
    assert.deepEqual(mirOptions(session({ kind: "miriway" }, image)), login);
    assert.deepEqual(mirOptions(session({ kind: "miriway", console: "vt" }, image)), []);
  });

  it("are those that are chosen, on the guest's console", () => {
    const console = ["--console-provider=vt", "--vt=1"];
    assert.deepEqual(mirOptions(session({ platform: "auto" })), console);
    assert.deepEqual(mirOptions(session({ platform: "virtual" })), [
      "--platform-display-libs=mir:virtual",
      "--virtual-output=1280x1024",
      ...console,
    ]);
    assert.deepEqual(
      mirOptions(session({ platform: "atomic-kms", rendering: "egl-generic", cursor: "software" })),
      [
        "--platform-display-libs=mir:atomic-kms",
        "--platform-rendering-libs=mir:egl-generic",
        ...console,
        "--cursor=software",
      ],
    );
  });
});

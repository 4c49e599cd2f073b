import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sourceFaults } from "../../../config/softwareRules";

const SHA = "0123456789abcdef".repeat(4);
const COMMIT = "0123456789".repeat(4);

describe("a build's source", () => {
  const url = "https://cdn.example/linux.tar.xz";
  const table: [object, string][] = [
    [{ package: "linux-source-6.1", suite: "bookworm" }, ""],
    [{ url, sha256: SHA }, ""],
    [{ git: "/srv/linux", commit: COMMIT }, ""],
    [{}, ": found 0 of package, url and git; need exactly one"],
    [
      { url, sha256: SHA, git: "/srv/linux", commit: COMMIT },
      ": found 2 of package, url and git; need exactly one",
    ],
    [{ package: "linux-source-6.1" }, "suite: missing; source.package needs it"],
    [{ url }, "sha256: missing; source.url needs it"],
    [{ git: "/srv/linux" }, "commit: missing; source.git needs it"],
    [
      { url, sha256: SHA, suite: "bookworm" },
      "suite: found the key without source.package; need both or neither",
    ],
  ];
  for (const [source, expected] of table) {
    it(`${expected === "" ? "may" : "may not"} be ${JSON.stringify(source)}`, () => {
      const faults = sourceFaults(source).map(([path, reason]) => `${path}: ${reason}`);
      assert.equal(faults.join("\n"), expected);
    });
  }
});

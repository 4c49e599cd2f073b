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
    [{}, ": set one of package, url and git"],
    [{ url, sha256: SHA, git: "/srv/linux", commit: COMMIT }, ": set one of package, url and git"],
    [{ package: "linux-source-6.1" }, "suite: missing; a source by package is used with it only"],
    [{ url }, "sha256: missing; a source by url is used with it only"],
    [{ git: "/srv/linux" }, "commit: missing; a source by git is used with it only"],
    [
      { url, sha256: SHA, suite: "bookworm" },
      "suite: belongs to source.package; set both or neither",
    ],
  ];
  for (const [source, told] of table) {
    it(`${told === "" ? "may" : "may not"} be ${JSON.stringify(source)}`, () => {
      const faults = sourceFaults(source).map(([path, reason]) => `${path}: ${reason}`);
      assert.equal(faults.join("\n"), told);
    });
  }
});

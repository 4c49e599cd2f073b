import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  identityOf,
  originOf,
  otherIsWanted,
  SoftwareConfig,
} from "../../../../components/build/software";

const SUITE: SoftwareConfig = {
  ...{ source: "package", when: "unmet" },
  package: { suite: "bookworm-backports" },
};
const ORIGIN = { kind: "suite", suite: "bookworm-backports", name: "mesa" } as const;

describe("the origin of kernel or Mesa", () => {
  it("is the declared one with defaults, and undefined for the distribution's", () => {
    assert.deepEqual(originOf(SUITE, "mesa"), ORIGIN);
    assert.equal(originOf({ source: "distro", when: "always" }, "mesa"), undefined);
  });

  it("is identified by content, not by path", () => {
    const deb = (path: string, sha256: string) => identityOf({ kind: "deb", deb: path, sha256 });
    assert.equal(deb("/a", "1"), deb("/b", "1"));
    assert.notEqual(deb("/a", "1"), deb("/a", "2"));
    assert.notEqual(identityOf(ORIGIN), identityOf({ ...ORIGIN, name: "linux-image-amd64" }));
    assert.notEqual(identityOf(ORIGIN), identityOf({ ...ORIGIN, suite: "sid" }));
  });
});

describe("the choice between the distribution's software and another", () => {
  const table: readonly [SoftwareConfig, string, string | undefined, boolean, string][] = [
    [SUITE, ">= 24.0", "22.3.6-1+deb12u1", true, "mesa 22.3.6-1+deb12u1 does not meet >= 24.0"],
    [SUITE, ">= 22.3", "22.3.6-1+deb12u1", false, "mesa 22.3.6-1+deb12u1 meets >= 22.3"],
    [
      ...([SUITE, ">= 22.3", undefined, true] as const),
      "mesa of the distribution (none is installed) does not meet >= 22.3",
    ],
    [{ ...SUITE, when: "always" }, ">= 22.3", "22.3.6", true, "mesa.when is 'always'"],
    [
      ...([{ source: "distro", when: "always" }, ">= 99.0", "22.3.6", false] as const),
      "mesa.source is 'distro'",
    ],
  ];
  for (const [config, gate, distro, wanted, why] of table) {
    it(why, () => {
      assert.deepEqual(otherIsWanted("mesa", config, gate, distro), { wanted, why });
    });
  }
});

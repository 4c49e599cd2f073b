import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareDebianVersions, upstreamOf } from "../../../core/debianVersion";

const DPKG = "/usr/bin/dpkg";
const sign = (a: string, b: string): number => Math.sign(compareDebianVersions(a, b));

/** dpkg's own result. */
function dpkgSign(a: string, b: string): number {
  const holds = (relation: string): boolean =>
    spawnSync(DPKG, ["--compare-versions", a, relation, b]).status === 0;
  return holds("lt") ? -1 : holds("gt") ? 1 : 0;
}

describe("compareDebianVersions", () => {
  const ordered = [
    "0~~",
    "0~",
    "0",
    "1.0~rc1-1",
    "1.0-1~bpo12+1",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1+deb12u1",
    "1.0-1+deb12u2",
    "1.0-1+deb12u10",
    "1.0-2",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.9",
    "1.10",
    "7.2+dfsg-7+deb12u18+b3",
    "1:0.1-1",
    "1:7.2+dfsg-7",
    "1:7.2+dfsg-7+deb12u1~bpo1",
    "1:7.2+dfsg-7+deb12u1",
    "1:7.2+dfsg-7+deb12u18",
    "1:7.2+dfsg-7+deb12u18+b3",
    "1:8.2.2+ds-0ubuntu1.10",
    "1:11.2.0+ds-1",
    "2:0",
  ];
  it("sorts versions from old to new", () => {
    ordered.forEach((a, i) =>
      ordered.forEach((b, j) => assert.equal(sign(a, b), Math.sign(i - j), `${a} with ${b}`)),
    );
  });

  const same: [string, string][] = [
    ["1.0", "0:1.0"],
    ["1.0", "1.0-0"],
    ["1.01", "1.1"],
    ["1.0-00", "1.0"],
  ];
  for (const [a, b] of same) {
    it(`${a} is ${b}`, () => assert.equal(sign(a, b), 0));
  }

  it("agrees with dpkg", { skip: !existsSync(DPKG) && `no ${DPKG} here` }, () => {
    // An upstream version starts with a digit, and has a dash only where a revision follows.
    const text = fc.string({
      unit: fc.constantFrom("0", "0", "1", "9", "~", "+", ".", "a", "b", "Z"),
      maxLength: 6,
    });
    const version = fc
      .tuple(fc.constantFrom("", "0:", "1:", "02:"), text, fc.option(fc.tuple(text, text)))
      .map(([epoch, upstream, revision]) => {
        const end = revision === null ? "" : `-${revision[0]}-0${revision[1]}`;
        return `${epoch}1${upstream}${end}`;
      });
    fc.assert(
      fc.property(version, version, (a, b) => {
        assert.equal(sign(a, b), dpkgSign(a, b), `${a} with ${b}`);
      }),
      { numRuns: 150 },
    );
  });

  it("is antisymmetric", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => assert.equal(sign(a, b), -sign(b, a) + 0)),
    );
  });
});

describe("upstreamOf", () => {
  const table: [string, string][] = [
    ["1:7.2+dfsg-7+deb12u18+b3", "7.2+dfsg"],
    ["4.7.0-1", "4.7.0"],
    ["1.0-rc-2", "1.0-rc"],
    ["9", "9"],
  ];
  for (const [version, upstream] of table) {
    it(`${version}: ${upstream}`, () => assert.equal(upstreamOf(version), upstream));
  }
});

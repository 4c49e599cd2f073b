import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BAD_KERNELS, badKernels, declaredKernel, knownBad } from "../../../config/known";
import { GuestConfig } from "../../../config/schema";
import { DIGEST, labOf } from "./labs";

const guest = (parts: object): GuestConfig => {
  const [only] = labOf({ guests: [{ name: "mir", ...parts }] }).guests;
  assert.ok(only);
  return only;
};

it("the table has the date of each row", () => {
  for (const { known } of BAD_KERNELS) {
    assert.match(known, /^20\d\d-\d\d-\d\d$/);
    assert.ok(!Number.isNaN(Date.parse(known)));
  }
});

describe("badKernels", () => {
  const table: [string, boolean, number][] = [
    ["6.8.12-amd64", true, 0],
    ["6.9.0-rc1", true, 1],
    ["6.11.10+bpo-amd64", true, 1],
    ["6.11.10", false, 0],
    ["6.12.0", true, 0],
    ["not a version", true, 0],
  ];
  for (const [release, shared, count] of table) {
    it(`finds ${count} for ${release}${shared ? " with a share" : ""}`, () =>
      assert.equal(badKernels(release, shared).length, count));
  }
});

const sha256 = DIGEST.replace("sha256:", "");
const built = (source: object) => ({ kernel: { source: "build", build: { source } } });
const packaged = (of: object) => ({ kernel: { source: "package", package: of } });

describe("the version that a declaration names", () => {
  const table: [string, object, string | undefined][] = [
    ["none", {}, undefined],
    ["a package", packaged({ suite: "trixie", name: "linux-image-6.11.10-amd64" }), "6.11.10"],
    ["a package of any", packaged({ suite: "trixie", name: "linux-image-amd64" }), undefined],
    ["a package's file", packaged({ deb: "/srv/linux-image-6.9.7_1_amd64.deb", sha256 }), "6.9.7"],
    ["Debian's source", built({ package: "linux-source-6.10", suite: "sid" }), "6.10"],
    [
      "a tar",
      built({ url: "https://kernel.example/linux-6.1/linux-6.10.3.tar.xz", sha256 }),
      "6.10.3",
    ],
    ["a repository", built({ git: "/srv/linux-6.10", commit: "0".repeat(40) }), undefined],
  ];
  for (const [what, parts, version] of table)
    it(`is ${version} of ${what}`, () => assert.equal(declaredKernel(guest(parts)), version));
});

describe("what is known to be bad about a guest", () => {
  const bad = packaged({ suite: "trixie", name: "linux-image-6.11.10-amd64" });

  it("is a kernel that mixes up the share's files", () => {
    const [found, ...more] = knownBad(guest(bad));
    assert.deepEqual(more, []);
    assert.match(found?.found ?? "", /^Linux 6\.11\.10, in which 9p mixes up inodes/);
    assert.match(found?.fix ?? "", /6\.12 or newer.*share\.enabled to false/);
  });

  it("is nothing without a share, and nothing of another kernel", () => {
    assert.deepEqual(knownBad(guest({ ...bad, share: { enabled: false } })), []);
    const fine = packaged({ suite: "trixie", name: "linux-image-6.12.1-amd64" });
    assert.deepEqual(knownBad(guest(fine)), []);
    assert.deepEqual(knownBad(guest({})), []);
  });
});

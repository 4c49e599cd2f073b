import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  GUEST_PACKAGES,
  HOST_PACKAGES,
  hostPackages,
  packagesFor,
  VIEWER_PACKAGES,
} from "../../../../components/host/packages";

describe("the package lists", () => {
  const lists = {
    host: HOST_PACKAGES.map((p) => p.name),
    viewers: VIEWER_PACKAGES.map((p) => p.name),
    guest: GUEST_PACKAGES,
  };
  for (const [what, names] of Object.entries(lists)) {
    it(`of ${what} name each package once, as Debian does`, () => {
      assert.ok(names.length > 0);
      assert.equal(new Set(names).size, names.length);
      for (const name of names) assert.match(name, /^[a-z0-9][a-z0-9+.-]+$/);
    });
  }

  it("give each package's reason, and put no desktop on every host", () => {
    for (const { why } of [...HOST_PACKAGES, ...VIEWER_PACKAGES]) assert.notEqual(why, "");
    assert.deepEqual(
      lists.host.filter((name) => lists.viewers.includes(name)),
      [],
    );
  });

  it("match the machine's role", () => {
    assert.deepEqual(packagesFor("host"), lists.host);
    assert.deepEqual(
      packagesFor("client").filter((name) => !lists.host.includes(name)),
      [],
    );
    assert.ok(packagesFor("client").includes("openssh-client"));
  });

  it("are those of the host's release, by its code name", () => {
    const spice = "qemu-system-modules-spice";
    const has = (codeName: string) => hostPackages(codeName).some(({ name }) => name === spice);
    assert.deepEqual(["bookworm", "trixie", "noble", "plucky"].map(has), [
      false,
      true,
      true,
      false,
    ]);
    assert.ok(hostPackages("trixie", true).some(({ name }) => name === "virt-viewer"));
  });
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { labOwner } from "../../../../components/lab/owner.io";
import { temporaryFolder } from "../../support";

describe("labOwner", () => {
  const before = process.env.MIRLAB_HOME;
  let home = "";

  beforeEach(() => {
    home = join(temporaryFolder(), "home");
    process.env.MIRLAB_HOME = home;
  });
  afterEach(() => {
    if (before === undefined) delete process.env.MIRLAB_HOME;
    else process.env.MIRLAB_HOME = before;
  });

  it("is generated once for each home", () => {
    const first = labOwner();
    assert.match(first, /^[A-Za-z0-9._-]+@[A-Za-z0-9._-]+-[0-9a-f]{8}$/);
    assert.equal(labOwner(), first);
    assert.equal(readFileSync(join(home, "owner"), "utf8"), `${first}\n`);
    process.env.MIRLAB_HOME = join(temporaryFolder(), "home");
    assert.notEqual(labOwner(), first);
  });

  for (const text of ["", "ada\n", "a@b-0123abcd; rm -rf /\n", "dev ada@desk-0123abcd\n"]) {
    it(`refuses ${JSON.stringify(text)}, and leaves it there`, () => {
      labOwner();
      writeFileSync(join(home, "owner"), text);
      assert.throws(
        () => labOwner(),
        /\/owner: found .*; need USER@MACHINE- and eight hexadecimal digits; fix: restore it from \.mirlab-stack/,
      );
      assert.equal(readFileSync(join(home, "owner"), "utf8"), text);
    });
  }
});

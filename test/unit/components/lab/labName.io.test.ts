import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { claimLab, labName } from "../../../../components/lab/labName.io";
import { temporaryFolder } from "../../support";

beforeEach(() => {
  process.env.MIRLAB_HOME = temporaryFolder();
});

describe("the lab's name", () => {
  it("is the stack's at first", () => {
    assert.equal(labName("dev", undefined), "dev");
  });

  it("is the recorded one after the stack was renamed", () => {
    claimLab("dev", "dev");
    assert.equal(labName("prod", "dev"), "dev");
  });

  it("is known from the keys' folder where the state is lost", () => {
    claimLab("dev", "prod");
    assert.equal(labName("prod", undefined), "dev");
  });

  it("is refused to a new stack while the renamed one has it", () => {
    claimLab("dev", "prod");
    const file = join(process.env.MIRLAB_HOME ?? "", "labs", "dev", "stack");
    assert.throws(() => labName("dev", undefined), {
      message:
        "stack dev: found the lab 'dev' in use by stack 'prod', which was renamed; " +
        `need a name of its own; fix: choose another stack name, or remove ${file} if stack 'prod' is gone`,
    });
  });

  it("is noted for its user alone, and follows each rename", () => {
    claimLab("dev", "dev");
    claimLab("dev", "prod");
    const folder = join(process.env.MIRLAB_HOME ?? "", "labs", "dev");
    assert.equal(readFileSync(join(folder, "stack"), "utf8"), "prod\n");
    assert.equal(statSync(join(folder, "stack")).mode & 0o777, 0o600);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });
});

/** A lab's folders: their marks, and that a lab takes no folder of somebody else. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runOnHost } from "../../../core/link.io";
import { temporaryFolder } from "../support";

const root = process.getuid?.() === 0;
const OWNER = "ada@desk-0123abcd";
const OTHER = "bob@desk-0123abcd";

describe("folders.sh", { skip: root ? false : "needs root: it changes owners to root" }, () => {
  const folders = (verb: string, data: string) =>
    runOnHost(undefined, "folders.sh", [verb, data, "dev", OWNER]);
  const mark = (data: string) => join(data, "dev", ".mirlab-stack");

  it("marks a lab's folder, and removes it with its mark", async () => {
    const data = join(temporaryFolder(), "data");
    for (let i = 0; i < 2; i++) assert.equal((await folders("make", data)).code, 0);
    assert.equal(readFileSync(mark(data), "utf8"), `dev ${OWNER}\n`);
    assert.equal((await folders("remove", data)).code, 0);
    assert.ok(!existsSync(data));
  });

  it("leaves a data folder that was there: its mode, its owner, and itself when it is empty again", async () => {
    const data = join(temporaryFolder(), "data");
    mkdirSync(data);
    chmodSync(data, 0o1777);
    chownSync(data, 12345, 12345);
    assert.equal((await folders("make", data)).code, 0);
    const { mode, uid, gid } = statSync(data);
    assert.deepEqual([mode & 0o7777, uid, gid], [0o1777, 12345, 12345]);
    assert.equal((await folders("remove", data)).code, 0);
    assert.ok(existsSync(data));
    assert.deepEqual(readdirSync(data), []);
  });

  it("makes a data folder and those above it readable under any umask", async () => {
    const above = join(temporaryFolder(), "above");
    const before = process.umask(0o077);
    try {
      assert.equal((await folders("make", join(above, "data"))).code, 0);
    } finally {
      process.umask(before);
    }
    for (const path of [above, join(above, "data")])
      assert.equal(statSync(path).mode & 0o777, 0o755, path);
    assert.equal(statSync(join(above, "data", "dev", "pool")).mode & 0o777, 0o711);
  });

  it("keeps a data folder that it made while another lab is in it", async () => {
    const data = join(temporaryFolder(), "data");
    await folders("make", data);
    await runOnHost(undefined, "folders.sh", ["make", data, "two", OWNER]);
    assert.equal((await folders("remove", data)).code, 0);
    assert.ok(existsSync(mark(data).replace("/dev/", "/two/")));
    assert.equal(
      (await runOnHost(undefined, "folders.sh", ["remove", data, "two", OWNER])).code,
      0,
    );
    assert.ok(!existsSync(data));
  });

  it("keeps the mark of a folder with a disk in it", async () => {
    const data = join(temporaryFolder(), "data");
    await folders("make", data);
    writeFileSync(join(data, "dev", "pool", "disk.qcow2"), "");
    const { code, stderr } = await folders("remove", data);
    assert.equal(code, 0);
    assert.match(stderr, /kept .*\/pool: it is not empty/);
    assert.ok(existsSync(mark(data)));
  });

  for (const [what, text] of [
    ["a time without marks", undefined],
    ["a time when marks had no owner", "dev\n"],
  ] as const) {
    it(`marks a folder from ${what}`, async () => {
      const data = join(temporaryFolder(), "data");
      for (const name of ["pool", "log"]) mkdirSync(join(data, "dev", name), { recursive: true });
      if (text !== undefined) writeFileSync(mark(data), text);
      assert.equal((await folders("make", data)).code, 0);
      assert.equal(readFileSync(mark(data), "utf8"), `dev ${OWNER}\n`);
    });
  }

  it("does not touch a folder of somebody else", async () => {
    const data = join(temporaryFolder(), "data");
    mkdirSync(join(data, "dev"), { recursive: true, mode: 0o755 });
    writeFileSync(join(data, "dev", "thesis.txt"), "mine");
    const { code, stderr } = await folders("make", data);
    assert.notEqual(code, 0);
    assert.match(
      stderr,
      /with thesis\.txt in it and no mark of a lab; .* give it to this lab: echo 'dev ada@desk-0123abcd'/,
    );
    assert.equal(statSync(join(data, "dev")).mode & 0o777, 0o755);
  });

  for (const [whose, text] of [
    ["another stack's", `ada ${OWNER}`],
    ["another person's stack of this name", `dev ${OTHER}`],
  ] as const) {
    it(`does not touch the folder of ${whose}, and names the owner`, async () => {
      const data = join(temporaryFolder(), "data");
      mkdirSync(join(data, "dev", "log"), { recursive: true });
      writeFileSync(mark(data), `${text}\n`);
      writeFileSync(join(data, "dev", "log", "a.serial.log"), "");
      for (const verb of ["make", "remove"]) {
        const { code, stderr } = await folders(verb, data);
        assert.notEqual(code, 0);
        assert.ok(stderr.includes(`marked as of lab '${text}'`), stderr);
      }
      assert.ok(existsSync(join(data, "dev", "log", "a.serial.log")));
      assert.equal(readFileSync(mark(data), "utf8"), `${text}\n`);
    });
  }
});

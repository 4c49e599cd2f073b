/** The content key of an image: of its content, the same on every machine. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { scriptText } from "../../../core/link.io";
import { ROOT, temporaryFolder } from "../support";

const folder = temporaryFolder();
const SCRIPT = readFileSync(join(ROOT, "scripts/host/image-build.sh"), "utf8");
for (const name of ["lib.sh", "apt-way.sh", "image-suites.sh"])
  copyFileSync(join(ROOT, "scripts/host", name), join(folder, name));

async function keyOf(text: string, ...options: string[]): Promise<string> {
  const file = join(folder, "image-build.sh");
  writeFileSync(file, text);
  const { code, stdout, stderr } = await run(["bash", file, "key", ...options]);
  assert.equal(code, 0, stderr);
  const key = stdout.toString().trim();
  assert.match(key, /^[0-9a-f]{64}$/);
  return key;
}

const changed = (from: string, to: string): string => {
  assert.ok(SCRIPT.includes(from), from);
  return SCRIPT.replace(from, to);
};

describe("an image's content key", () => {
  it("is the same whatever shell prints, comments say or indentation is", async () => {
    const key = await keyOf(SCRIPT);
    assert.equal(await keyOf(changed("make_tree() {", "# Another remark.\nmake_tree() {")), key);
    assert.equal(await keyOf(changed("  local work=$1 suite", "\tlocal work=$1 suite")), key);
    const printer = "declare() { echo other; }\ncontent_key() {";
    assert.equal(await keyOf(changed("content_key() {", printer)), key);
    assert.equal(await keyOf(changed("cache hit", "found in the cache")), key);
  });

  it("is another one for another file, package, suite or size in the guest", async () => {
    const keys = [
      await keyOf(SCRIPT),
      await keyOf(changed("UseDNS no", "UseDNS yes")),
      await keyOf(SCRIPT, "--suite", "trixie"),
      await keyOf(SCRIPT, "htop"),
      await keyOf(SCRIPT, "--size-gib", "9"),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it("does not depend on the order or number of the packages' names", async () => {
    assert.equal(await keyOf(SCRIPT, "htop", "vim"), await keyOf(SCRIPT, "vim", "htop", "vim"));
  });

  it("is not guessed where only the script's text has come: by ssh", async () => {
    const { code, stderr } = await run(["bash", "-s", "--", "key"], {
      stdin: scriptText("host/image-build.sh"),
    });
    assert.equal(code, 1);
    assert.match(stderr, /found no file of this script; need its text for the content key; fix: /);
  });
});

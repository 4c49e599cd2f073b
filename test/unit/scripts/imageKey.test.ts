/** The content key of an image: of its content, the same on every machine. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { scriptText } from "../../../core/link.io";
import { ROOT, temporaryFolder } from "../support";

const folder = temporaryFolder();
const LIBRARIES = ["lib.sh", "apt-way.sh", "image-cache.sh", "image-suites.sh"];
const [SCRIPT, RECIPE] = ["image-build.sh", "image-recipe.sh"];
for (const name of [...LIBRARIES, SCRIPT, RECIPE])
  copyFileSync(join(ROOT, "scripts/host", name), join(folder, name));

async function keyOf(...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["bash", join(folder, SCRIPT), "key", ...options]);
  assert.equal(code, 0, stderr);
  const key = stdout.toString().trim();
  assert.match(key, /^[0-9a-f]{64}$/);
  return key;
}

/** The key where one of the files has other words. */
async function keyWith(name: string, from: string, to: string): Promise<string> {
  const text = readFileSync(join(ROOT, "scripts/host", name), "utf8");
  assert.ok(text.includes(from), from);
  writeFileSync(join(folder, name), text.replace(from, to));
  try {
    return await keyOf();
  } finally {
    writeFileSync(join(folder, name), text);
  }
}

const SOURCE = "http://m.example/ubuntu noble main";

describe("an image's content key", () => {
  it("is the same whatever shell prints, comments say or indentation is", async () => {
    const key = await keyOf();
    const same = (name: string, from: string, to: string) =>
      keyWith(name, from, to).then((other) => assert.equal(other, key, from));
    await same(RECIPE, "make_tree() {", "# Another remark.\nmake_tree() {");
    await same(RECIPE, "  local work=$1 suite", "\tlocal work=$1 suite");
    await same(SCRIPT, "content_key() {", "declare() { echo other; }\ncontent_key() {");
    await same(SCRIPT, "cache hit", "found in the cache");
  });

  it("is another one for another file, package, source, suite or size in the guest", async () => {
    const keys = [
      await keyOf(),
      await keyWith(RECIPE, "UseDNS no", "UseDNS yes"),
      await keyWith("image-suites.sh", "mir-demos", "mir-demos mir-extra"),
      await keyWith("image-suites.sh", "fstrim.timer", "other.timer"),
      await keyOf("--suite", "forky"),
      await keyOf("htop"),
      await keyOf("--size-gib", "9"),
      await keyOf("--source", `- QUJD ${SOURCE}`),
      await keyOf("--source", `500 QUJD ${SOURCE}`),
      await keyOf("--source", `500 QUJE ${SOURCE}`),
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it("does not depend on the order or number of the packages' names", async () => {
    assert.equal(await keyOf("htop", "vim"), await keyOf("vim", "htop", "vim"));
  });

  it("is not made of a suite that is not known, whatever bash would make of its name", async () => {
    for (const suite of ["bullseye", "$(touch ran)", "x]=$(touch ran)", ""]) {
      const argv = ["bash", join(folder, SCRIPT), "key", "--suite", suite];
      const ended = await run(["env", "-C", folder, ...argv]);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /found suite '.*'; need one of .*trixie/);
    }
    assert.equal(existsSync(join(folder, "ran")), false);
  });

  it("is not made of a source that is more than a source", async () => {
    for (const source of ["500 QUJD file:///srv x main", "500 QUJD http://m.example", "x"]) {
      const ended = await run(["bash", join(folder, SCRIPT), "key", "--source", source]);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, /found --source '.*'; need 'PRIORITY KEY URI SUITE COMPONENT/);
    }
  });

  it("is not guessed where only the script's text has come: by ssh", async () => {
    const { code, stderr } = await run(["bash", "-s", "--", "key"], {
      stdin: scriptText("host/image-build.sh"),
    });
    assert.equal(code, 1);
    assert.match(stderr, /found no file of this script; need its text for the content key; fix: /);
  });
});

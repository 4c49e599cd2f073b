/** Scripts read the words of other programs: under any locale of the user they have to be English. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { ROOT } from "../support";

const files = (folder: string): string[] =>
  readdirSync(join(ROOT, "scripts", folder)).map((name) => join("scripts", folder, name));
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

describe("the locale of scripts", () => {
  for (const file of ["host", "guest"].flatMap(files)) {
    const set = read(file).match(/^.*\bLC_ALL=C\.UTF-8.*$/gm) ?? [];
    if (set.length === 0) continue;
    it(`of ${file} empties LANGUAGE where it sets C.UTF-8: glibc lets LANGUAGE win over it`, () => {
      for (const line of set) assert.match(line, /\bLC_ALL=C\.UTF-8 LANGUAGE=(\s|$)/, line);
    });
  }

  it("makes a library's script speak English under LANGUAGE=de", async () => {
    const script = `. ${join(ROOT, "scripts/host/lib.sh")}; printf '%s|%s' "$LC_ALL" "$LANGUAGE"`;
    const env = ["env", "LANGUAGE=de_DE:de", "LC_ALL=de_DE.UTF-8", "LANG=de_DE.UTF-8"];
    const ended = await run([...env, "bash", "-c", script]);
    assert.equal(ended.stdout.toString(), "C.UTF-8|");
  });
});

describe("the folder for temporary files of scripts", () => {
  for (const [what, folder, used] of [
    ["is the user's", "/var/tmp", "/var/tmp"],
    ["is /tmp where the user's is not there", "/no/such/folder", "/tmp"],
    ["is /tmp where the user's is no folder", "/etc/passwd", "/tmp"],
  ] as const) {
    it(what, async () => {
      const look = 'ME=test; . scripts/host/lib.sh; dirname "$(mktemp -u)"';
      const ended = await run(["bash", "-c", look], { env: { TMPDIR: folder } });
      assert.equal(ended.stdout.toString().trim(), used, ended.stderr);
    });
  }
});

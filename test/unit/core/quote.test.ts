import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import fc from "fast-check";
import { shellLine, shellWord } from "../../../core/quote";

/** The argument lists that a real shell reads from the lines. */
function readBack(shell: string, lines: readonly string[]): string[][] {
  const print = 'print() { printf "%s\\0" "$#" "$@"; }\n';
  const script = print + lines.map((line) => `print ${line}\n`).join("");
  const words = execFileSync(shell, ["-s"], { input: script, maxBuffer: 1 << 26 })
    .toString()
    .split("\0");
  const lists: string[][] = [];
  for (let at = 0; at < words.length - 1;) {
    const count = Number(words[at]);
    lists.push(words.slice(at + 1, at + 1 + count));
    at += 1 + count;
  }
  return lists;
}

/** Any text that UTF-8 can carry, except NUL; often shell metacharacters. */
const word = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "").toWellFormed()),
  fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~=+-. \t\n\ra1`.split("")) }),
);

describe("shellLine", () => {
  for (const shell of ["bash", "sh"]) {
    it(`is read back by ${shell} as the same words`, () => {
      const list = fc.array(word, { maxLength: 6 });
      fc.assert(
        fc.property(fc.array(list, { minLength: 40, maxLength: 60 }), (lists) => {
          assert.deepEqual(readBack(shell, lists.map(shellLine)), lists);
        }),
        { numRuns: 15 },
      );
    });
  }

  it("never lets the first word become an assignment", () => {
    const output = execFileSync("bash", [
      "-c",
      `${shellLine(["A=1", "x"])} 2>/dev/null || echo $?`,
    ]);
    assert.equal(output.toString(), "127\n");
  });
});

describe("shellWord", () => {
  const table: [string, string][] = [
    ["", "''"],
    ["plain-word_1./:=@%+,", "plain-word_1./:=@%+,"],
    ["--platform-display-libs=mir:gbm-kms", "--platform-display-libs=mir:gbm-kms"],
    ["A=1", "'A=1'"],
    ["A+=1", "'A+=1'"],
    ["two words", "'two words'"],
    ["it's", `'it'\\''s'`],
    ["~", "'~'"],
    ["$(reboot)", "'$(reboot)'"],
  ];
  for (const [text, quoted] of table) {
    it(`writes ${JSON.stringify(text)} as ${quoted}`, () => assert.equal(shellWord(text), quoted));
  }

  it("refuses NUL, which no argument can carry", () => {
    assert.throws(() => shellWord("a\0b"), /^Error: an argument must not contain NUL$/);
  });
});

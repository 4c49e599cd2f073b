import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lastLine, plainText, shortened, tail, visible } from "../../../core/plainText";

/** Texts that a guest may send: any code units, often control sequences. */
const raw = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "\u001b[",
        "\u001b]0;",
        "\u0007",
        "\u001b\\",
        "31m",
        "\r\n",
        "\ud800",
        "\u202e",
      ),
    ),
  )
  .map((parts) => parts.join(""));

describe("plainText", () => {
  const table: [what: string, text: string, plain: string][] = [
    ["a text", "naïve ✓ 漢字 😀\n\tx", "naïve ✓ 漢字 😀\n\tx"],
    ["colours", "\u001b[1;31mred\u001b[0m", "red"],
    ["a window's title", "\u001b]0;evil\u0007after", "after"],
    ["a link", "\u001b]8;;https://example.invalid\u001b\\here\u001b]8;;\u001b\\", "here"],
    ["an unterminated title", "\u001b]0;evil\nnext line", "\nnext line"],
    ["8-bit sequences", "\u009b31mred\u009d0;evil\u009c", "red"],
    ["cursor moves", "\u001b[2J\u001b[Hx\u001b(Bx\u001bcx", "xxx"],
    ["line ends", "a\r\nb\rc", "a\nb\nc"],
    ["control characters", "a\u0000b\u0008c\u007fd\u0085", "abcd"],
    ["a reversed reading order", "\u202egnp.exe", "<U+202E>gnp.exe"],
    ["hidden text", "a\u200bb\ufeff", "a<U+200B>b<U+FEFF>"],
    ["a lone surrogate", "a\ud800b", "a\ufffdb"],
  ];
  for (const [what, text, plain] of table) {
    it(`cleans ${what}`, () => assert.equal(plainText(text), plain));
  }

  it("removes control characters, spells out reordering ones, and keeps plain text", () => {
    fc.assert(
      fc.property(raw, (text) => {
        const plain = plainText(text);
        assert.doesNotMatch(plain, /[^\P{C}\n\t\p{Cn}\p{Co}\u{600}-\u{10ffff}]/u);
        assert.doesNotMatch(plain, /[\u202a-\u202e\u2066-\u2069\ufffe\uffff]/);
        assert.ok(plain.isWellFormed());
        assert.equal(plainText(plain), plain);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("visible", () => {
  const table: [text: string, shown: string][] = [
    ["naïve ✓ 漢字 😀", "naïve ✓ 漢字 😀"],
    ["a\nb\tc\r", "a<U+000A>b<U+0009>c<U+000D>"],
    ["\u001b[2J\u009b31m", "<U+001B>[2J<U+009B>31m"],
    ["\u202egnp.exe\u200b", "<U+202E>gnp.exe<U+200B>"],
    ["a\ud800", "a\ufffd"],
  ];
  for (const [text, shown] of table) {
    it(`spells out ${JSON.stringify(text)}`, () => assert.equal(visible(text), shown));
  }
});

describe("shortened", () => {
  it("says how much is missing", () => {
    assert.equal(shortened("abcdef", 4), "abcd … (2 more characters)");
    assert.equal(shortened("abcd", 4), "abcd");
  });

  it("does not split a character", () => {
    assert.ok(shortened("a😀", 2).isWellFormed());
  });
});

describe("tail", () => {
  const table: [
    what: string,
    text: string,
    lines: number,
    chars: number,
    kept: string,
    cut: boolean,
  ][] = [
    ["a short log", "a\nb\n", 5, 100, "a\nb", false],
    ["an empty log", "\n\n", 5, 100, "", false],
    ["too many lines", "a\nb\nc", 2, 100, "b\nc", true],
    ["too many characters", "aaaa\nbbbb\ncccc", 9, 10, "bbbb\ncccc", true],
    ["blank lines inside", "a\n\nb", 3, 100, "a\n\nb", false],
  ];
  for (const [what, text, lines, chars, kept, cut] of table) {
    it(`keeps the end of ${what}`, () => {
      assert.deepEqual(tail(text, lines, chars), {
        text: kept,
        lines: kept === "" ? 0 : kept.split("\n").length,
        cut,
      });
    });
  }

  it("shortens an endless line", () => {
    const kept = tail("x".repeat(5_000_000), 10, 65_536);
    assert.equal(kept.cut, true);
    assert.match(kept.text, /^x{2000} … \(\d+ more characters\)$/);
  });

  it("never exceeds its limits", () => {
    fc.assert(
      fc.property(raw, fc.nat(20), fc.nat(200), (text, lines, chars) => {
        const kept = tail(text.repeat(20), lines, chars);
        assert.ok(kept.lines <= lines && kept.text.length <= chars);
      }),
    );
  });
});

it("lastLine is the last line with words, and empty for no output", () => {
  assert.equal(lastLine("debug: a\nssh: refused\n\n"), "ssh: refused");
  assert.equal(lastLine("\n"), "");
});

/** Texts that try to escape from the place where they are inserted. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";

/** Scratch folder; a file `canary` in it proves that a text was executed. */
export const DIR = mkdtempSync(join(tmpdir(), "mirlab-fuzz-"));
export const CANARY = join(DIR, "canary");

const ATTACKS = [
  `$(touch ${CANARY})`,
  `\`touch ${CANARY}\``,
  `;touch ${CANARY};`,
  `\ntouch ${CANARY}\n`,
  `'||touch ${CANARY}||'`,
  `"&&touch ${CANARY}&&"`,
  `>${CANARY}`,
  `<(touch ${CANARY})`,
  ...[
    "--option",
    "-oProxyCommand=x",
    "-",
    "~",
    "*",
    "A=1",
    "\\",
    "'",
    '"',
    "`",
    "$HOME",
    "${HOME}",
  ],
  ...[
    "'/><qemu:commandline/>",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE x [<!ENTITY e SYSTEM '/etc/passwd'>]>",
  ],
  ...["&e;", "&#0;", "&lt;", "<?x?>", "<script>", "{name()}", "{{", "}"],
  ...[
    ": ",
    "\n- ",
    "\n  x: y",
    "---",
    "...",
    "#",
    "!!python/object",
    "&a",
    "*a",
    "|",
    ">-",
    "%YAML 1.2",
  ],
  ...[
    "on",
    "no",
    "~",
    "2024-01-01",
    "0x10",
    "1_000",
    "<<",
    "=",
    "\t",
    "\r",
    "\r\n",
    "\u0085",
    "\u2028",
  ],
  ...["..", "/", "/../", "/./", "//", "/etc/passwd", "/home/ada", "%2e%2e", "%", "%h", "%%", " "],
  ...["@", "user:pass@", "http://", "https://", "file://", "#x", "?no_verify=1", "&x=1", "[::1]"],
  ...[
    "\u001b]0;x\u0007",
    "\u001b[31m",
    "\u202e",
    "\ufeff",
    "\u0000",
    "\ud800",
    "é",
    "😀",
    "\u007f",
  ],
];

export const attack = fc.constantFrom(...ATTACKS);

/** Attacks, words and arbitrary characters, concatenated. */
const text = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: attack },
      { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constantFrom("a", "mir", "srv", "/srv/mir", "x".repeat(300)) },
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(""));

export const hostile = fc.oneof(
  { weight: 9, arbitrary: text },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

/** Without what argv and UTF-8 cannot carry. */
export const hostileWord = hostile.map((raw) => raw.replaceAll("\0", "").toWellFormed());

/** Texts that are almost valid: attacks that a rule could accept by mistake. */
export function near(parts: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...parts) },
    { weight: 1, arbitrary: hostile },
  );
  return fc.array(piece, { minLength: 1, maxLength: 5 }).map((all) => all.join(""));
}

/**
 * Refuses words that have to be read twice: see CONTRIBUTING.md, "Plain words".
 *   words.ts    exit code 0: none, 1: some, each with its place and plainer words
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

interface Riddle {
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly plainer: string;
  /** Is about the form of a failure. */
  readonly form?: boolean;
}

const RIDDLES: readonly Riddle[] = [
  {
    pattern: /\b(?:is|are|was|were|be|been|being|not) told\b(?! apart)/i,
    plainer: "reported, printed, recorded",
  },
  {
    pattern: /\btold (?:as|by|in|once|of|that|them|when)\b/i,
    plainer: "reported, printed, recorded",
  },
  { pattern: /\btells (?:of|why|what|how|whether|that|it)\b/i, plainer: "reports, prints, says" },
  { pattern: /\b(?:is|are) let be\b|\blet it be\b/i, plainer: "is not checked, is left alone" },
  { pattern: /\bmade anew\b/i, plainer: "created again" },
  { pattern: /\bof before\b/i, plainer: "earlier, of the version before" },
  { pattern: /\b(?:is|are) none of (?:it|them|this)\b/i, plainer: "does not belong to it" },
  { pattern: /\bwhat its owner (?:may have|has) meant\b/i, plainer: "possibly intended changes" },
  { pattern: /\bhas the (?:host|guest) what\b/i, plainer: "does the host have what" },
  { pattern: /\bWhat is never done\b/i, plainer: "`up` never ..." },
  { pattern: /\bnot as one might think\b/i, plainer: "with limitations" },
  { pattern: /\bis no word for\b|\bis no input of\b/i, plainer: "is not" },
  {
    pattern: /\bfound [^;"'`]*, (?:required|need) /i,
    plainer: "WHAT: found X; need Y; fix: Z; log: L",
    form: true,
  },
  {
    pattern: /\brequired (?:it|one|both|them|this one)\b[;,]/i,
    plainer: "need NAME OF THE THING",
    form: true,
  },
];

/** The text of these files is in the states of labs, or in the identity of builds: other words are a change there. */
const KEPT_IN_STATES = [
  /^scripts\/build\//,
  /^scripts\/guest\/(session[^/]*|mir-tests|share)\.sh$/,
];
/** These quote messages of the scripts above: the form of a failure is not asked of them. */
const QUOTES = [
  /^docs\/troubleshooting\.md$/,
  /^test\/integration\/(build|imageFetch|ports)\.test\.ts$/,
  /^test\/unit\/scripts\/(kernelRecipe|mesaRecipe|packages)\.test\.ts$/,
  /^test\/unit\/components\/readiness\/readinessRead\.test\.ts$/,
];
/** Generated, of others, or a list of such words. */
const NOT_PROSE = [/^sdks\//, /^test\/fixtures\//, /^test\/words\.ts$/, /^CHANGELOG\.md$/];

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
  .toString()
  .split("\0")
  .filter((file) => /\.(md|ts|js|mjs|cjs|sh|py|go)$|^bin\//.test(file))
  .filter((file) => ![...KEPT_IN_STATES, ...NOT_PROSE].some((rule) => rule.test(file)));

const found = files.flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, i) =>
      RIDDLES.filter(
        ({ pattern, form }) =>
          pattern.test(line) && !(form === true && QUOTES.some((quotes) => quotes.test(file))),
      ).map(
        ({ pattern, plainer }) =>
          `${file}:${i + 1}: found '${pattern.exec(line)?.[0] ?? ""}'; need plain words: ${plainer}`,
      ),
    ),
);
for (const line of found) console.error(line);
process.exitCode = found.length === 0 ? 0 : 1;

/**
 * The long run: exit 0 if no text escaped, else 1. A sink that needs a missing program is reported
 * as skipped.
 *   FUZZ_COUNT: cases per sink (10000); FUZZ_SEED: repeats the cases of an earlier run
 */
import { rmSync } from "node:fs";
import { fuzz, unproven } from "./fuzz";
import { DIR } from "./hostile";
import { SINKS } from "./sinks";

function wholeNumber(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`fuzz: found ${name}='${text}'; need a whole number from 1; fix: correct it`);
}

const count = wholeNumber("FUZZ_COUNT", 10_000);
const seed = wholeNumber("FUZZ_SEED", (Date.now() % 1e9) + 1);
let cases = 0;
let failed = 0;
let tried = 0;
for (const sink of SINKS) {
  if (sink.lacks !== undefined) {
    console.log(`${sink.id}: skipped: found no ${sink.lacks}; fix: install it`);
    continue;
  }
  const outcome = fuzz(sink, count, seed);
  const { escapes, taken } = outcome;
  const fault = unproven(outcome);
  tried += 1;
  cases += outcome.cases;
  failed += escapes.length + (fault === undefined ? 0 : 1);
  const accepted = taken === undefined ? "" : ` ${taken} accepted,`;
  console.log(`${sink.id}: ${outcome.cases} cases,${accepted} ${escapes.length} escapes`);
  if (fault !== undefined) console.log(`  ${fault}`);
  for (const text of escapes.slice(0, 5)) console.log(`  ${JSON.stringify(text)}: ${sink.escape}`);
}
console.log(
  `fuzz: ${cases} cases, ${failed} escapes, ${tried} of ${SINKS.length} sinks, seed ${seed}`,
);
rmSync(DIR, { recursive: true });
process.exitCode = failed === 0 && tried > 0 ? 0 : 1;

/**
 * The long run: exit 0 when no text got out of where it was put, else 1.
 *   FUZZ_COUNT cases for each sink (10000), FUZZ_SEED to see the same ones again
 */
import { rmSync } from "node:fs";
import { fuzz } from "./fuzz";
import { DIR } from "./hostile";
import { SINKS } from "./sinks";

function wholeNumber(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`fuzz: found ${name}='${text}', required a whole number from 1; correct it`);
}

const count = wholeNumber("FUZZ_COUNT", 10_000);
const seed = wholeNumber("FUZZ_SEED", (Date.now() % 1e9) + 1);
let cases = 0;
let escapes = 0;
for (const sink of SINKS) {
  const outcome = fuzz(sink, count, seed);
  cases += outcome.cases;
  escapes += outcome.escapes.length;
  console.log(`${sink.id}: ${outcome.cases} cases, ${outcome.escapes.length} escapes`);
  for (const text of outcome.escapes.slice(0, 5)) {
    console.log(`  ${JSON.stringify(text)}: ${sink.escape}`);
  }
}
console.log(`fuzz: ${cases} cases, ${escapes} escapes, ${SINKS.length} sinks, seed ${seed}`);
rmSync(DIR, { recursive: true });
process.exitCode = escapes === 0 ? 0 : 1;

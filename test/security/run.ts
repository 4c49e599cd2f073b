/**
 * Runs the tests of every attack in the table, and prints each attack's result. Needs the same as the
 * integration tests.
 *   run.ts [--no-guest]     --no-guest skips the tests that boot a guest
 */
import { run as runTests } from "node:test";
import { Attack, ATTACKS } from "./attacks";

const GUEST = "test/security/guest.test.ts";

interface Outcome {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  /** Why the test was skipped; undefined: it ran. */
  readonly skipped?: string;
  readonly error?: string;
}

/** Runs the files one after the other, and collects the result of each test and suite. */
async function outcomesOf(files: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const file of files) {
    process.stderr.write(`security: ${file}\n`);
    const stream = runTests({ files: [file], concurrency: 1 });
    const keep =
      (passed: boolean) =>
      (event: {
        name: string;
        skip?: string | boolean;
        details: { error?: { message?: string; cause?: unknown } };
      }): void => {
        const { name, skip, details } = event;
        const error = details.error;
        outcomes.push({
          ...{ file, name, passed },
          ...(skip === undefined || skip === false
            ? {}
            : { skipped: skip === true ? "no reason given" : skip || "no reason given" }),
          ...(error === undefined ? {} : { error: error.message ?? "" }),
        });
      };
    stream.on("test:pass", keep(true));
    stream.on("test:fail", keep(false));
    stream.resume();
    await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  }
  return outcomes;
}

interface Verdict {
  readonly attack: Attack;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly tried: boolean;
}

function verdictOf(attack: Attack, outcomes: readonly Outcome[], leftOut: boolean): Verdict {
  const [failed, skipped]: string[][] = [[], []];
  let tried = false;
  for (const { file, name } of attack.test) {
    if (leftOut && file === GUEST) {
      skipped?.push(`${name}: needs a guest, and --no-guest is set`);
      continue;
    }
    const own = outcomes.filter((o) => o.file === file && o.name.startsWith(name));
    if (own.length === 0) failed?.push(`${file}: found no test '${name}...'; need one`);
    for (const outcome of own) {
      if (outcome.skipped !== undefined) skipped?.push(`${name}: ${outcome.skipped}`);
      else {
        tried = true;
        if (!outcome.passed) failed?.push(`${file}: ${outcome.name}: ${outcome.error ?? ""}`);
      }
    }
  }
  return { attack, failed: failed ?? [], skipped: skipped ?? [], tried };
}

async function main(): Promise<void> {
  const leftOut = process.argv.includes("--no-guest");
  const named = new Set(ATTACKS.flatMap(({ test }) => test.map(({ file }) => file)));
  const files = [...named].filter((file) => !leftOut || file !== GUEST);
  const outcomes = await outcomesOf(files);
  const verdicts = ATTACKS.map((attack) => verdictOf(attack, outcomes, leftOut));
  for (const { attack, failed, skipped, tried } of verdicts) {
    const word = failed.length > 0 ? "FAILED" : tried ? "refused" : "skipped";
    process.stdout.write(`${word.padEnd(8)} ${attack.id.padEnd(4)} ${attack.attack}\n`);
    for (const line of failed) process.stdout.write(`         ${line.split("\n")[0]}\n`);
    for (const line of skipped) process.stdout.write(`         skipped: ${line}\n`);
  }
  const tried = verdicts.filter((v) => v.tried);
  const refused = tried.filter((v) => v.failed.length === 0);
  const skipped = verdicts.flatMap((v) => v.skipped);
  process.stdout.write(
    `${refused.length} refused, ${tried.length} tried, ${skipped.length} skipped with reason\n`,
  );
  if (verdicts.some((v) => v.failed.length > 0)) process.exitCode = 1;
}

void main();

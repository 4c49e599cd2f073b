/** Runs the tests of test/machines/rows.ts; prints each row, and how many hold. Exit code 1: not all do. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromXml } from "../../core/xml";
import { TestRef } from "../testRef";
import { Row, ROWS } from "./rows";

type Outcome = "passed" | "failed" | "skipped";

interface Result {
  /** Names from the outermost suite to the test. */
  readonly names: readonly string[];
  readonly outcome: Outcome;
}

/** Runs one file; gives the outcome of each test in it. */
function resultsOf(file: string): Result[] {
  const folder = mkdtempSync(join(tmpdir(), "mirlab-machines-"));
  const report = join(folder, "junit.xml");
  const argv = ["--require", "./core/register.js", "--test", "--test-concurrency=1"];
  const to = ["--test-reporter=junit", `--test-reporter-destination=${report}`];
  try {
    spawnSync(process.execPath, [...argv, ...to, file], { stdio: "ignore" });
    const cases = fromXml(readFileSync(report, "utf8")).getElementsByTagName("testcase");
    return Array.from(cases).map((element): Result => {
      const has = (name: string): boolean => element.getElementsByTagName(name).length > 0;
      const names = [element.getAttribute("name") ?? ""];
      for (let at = element.parentNode; at !== null; at = at.parentNode) {
        const suite = at as unknown as { nodeName: string; getAttribute(name: string): string };
        if (suite.nodeName === "testsuite") names.unshift(suite.getAttribute("name"));
      }
      const outcome =
        has("failure") || has("error") ? "failed" : has("skipped") ? "skipped" : "passed";
      return { names, outcome };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why the row does not hold; undefined: it does. */
function fault(row: Row, results: ReadonlyMap<string, readonly Result[]>): string | undefined {
  if (row.test.length === 0) return "nothing holds it yet";
  const wrong = ({ file, name }: TestRef): string | undefined => {
    const found = (results.get(file) ?? []).filter(({ names }) =>
      names.some((part) => part.startsWith(name)),
    );
    if (found.length === 0) return `${file}: no test '${name}...' ran`;
    const bad = found.find(({ outcome }) => outcome !== "passed");
    return bad === undefined ? undefined : `${file}: ${bad.names.join(" > ")}: ${bad.outcome}`;
  };
  return row.test.map(wrong).find((reason) => reason !== undefined);
}

function main(): void {
  const asked = process.argv.slice(2);
  const rows = asked.length === 0 ? ROWS : ROWS.filter(({ id }) => asked.includes(id));
  const files = [...new Set(rows.flatMap(({ test }) => test.map(({ file }) => file)))];
  const results = new Map(files.map((file) => [file, resultsOf(file)]));
  const held = rows.filter((row) => {
    const reason = fault(row, results);
    console.log(`${row.id.padEnd(4)} ${reason === undefined ? "holds" : `OPEN   ${reason}`}`);
    return reason === undefined;
  });
  console.log(`${held.length} of ${rows.length}`);
  process.exitCode = held.length === rows.length ? 0 : 1;
}

main();

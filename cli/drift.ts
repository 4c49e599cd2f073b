/** `lab drift`: the gate for CI. Looks at host, domains and guests; writes nothing, not even state. */
import { DriftReport, driftReport, driftText } from "./driftReport";
import { run } from "../core/exec.io";

/** Exit codes, as Pulumi's own: 7 is "changes that were not expected". */
const NONE = 0;
const DRIFT = 7;
const COULD_NOT_TELL = 2;

/** A preview asks every guest; a silent one costs a minute. */
const LIMIT_MS = 1_800_000;

async function look(stack: string, args: readonly string[]): Promise<DriftReport> {
  const argv = ["bin/pulumi", "preview", "--json", "--non-interactive", "--stack", stack, ...args];
  const result = await run(argv, { timeoutMs: LIMIT_MS });
  const text = result.stdout.toString();
  if (result.code !== 0) {
    const said = /"message": "(.*?)(?<!\\)"/.exec(text)?.[1]?.replaceAll("\\n", "\n").trim();
    throw new Error(said ?? (result.stderr.trim() || `pulumi preview ended with ${result.code}`));
  }
  return driftReport(text.slice(text.indexOf("{")), stack);
}

async function main(): Promise<void> {
  const [stack = "dev", ...args] = process.argv.slice(2);
  const json = args.includes("--json");
  const report = await look(
    stack,
    args.filter((arg) => arg !== "--json"),
  );
  console.log(json ? JSON.stringify(report, null, 2) : driftText(report));
  process.exitCode = report.resources.length === 0 ? NONE : DRIFT;
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(
    `drift: found no answer (${reason}), required a preview; run 'npm run preview' to see it whole`,
  );
  process.exitCode = COULD_NOT_TELL;
});

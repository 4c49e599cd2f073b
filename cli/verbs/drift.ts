import { Command } from "commander";
import { DriftReport, driftReport, driftText } from "../driftReport";
import { EXIT } from "../exitCodes";
import { explained } from "../explain";
import { passesToPulumi, pulumiArgs, stackOf } from "../options";
import { noAnswer } from "../refusal";
import { selectExistingStack } from "../stack";
import { run } from "../../core/exec.io";

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

async function drift(stack: string, args: readonly string[], json: boolean): Promise<void> {
  await selectExistingStack(stack, EXIT.couldNotTell);
  const report = await explained(stack, look(stack, args)).catch(noAnswer("drift", "a preview"));
  console.log(json ? JSON.stringify(report, null, 2) : driftText(report));
  process.exitCode = report.resources.length === 0 ? EXIT.ok : EXIT.drift;
}

const HELP = `
Looks at host, domains and guests, and names each difference. It changes nothing, not even the state.
Exit code 0: none, 7: drift, 2: could not tell.

Examples:
  lab drift
  lab drift --json | jq -r '.resources[].drift[]'`;

export const addDrift = (lab: Command): Command =>
  passesToPulumi(lab.command("drift"))
    .description("a gate for CI: name each difference from what is declared")
    .option("--json", "print the differences as JSON")
    .addHelpText("after", HELP)
    .action((_args: string[], { json = false }: { json?: boolean }, command: Command) =>
      drift(stackOf(command), pulumiArgs(command), json),
    );

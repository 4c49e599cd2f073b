import { Command } from "commander";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PolicyReport, policyReport, policyText } from "../policyReport";
import { EXIT } from "../exitCodes";
import { passesToPulumi, pulumiArgs, stackOf } from "../options";
import { noAnswer } from "../refusal";
import { selectStack } from "../stack";
import { run, RunResult } from "../../core/exec.io";

/** A preview asks every guest; a silent one costs a minute. */
const LIMIT_MS = 1_800_000;

interface Request {
  readonly stack: string;
  readonly state: string | undefined;
  readonly config: string;
  /** For the engine, as they are. */
  readonly rest: readonly string[];
}

/** Runs the engine; gives its result and the events. */
async function events(request: Request): Promise<[RunResult, string]> {
  const pack = ["--policy-pack", "policies", "--policy-pack-config", request.config];
  const options = { timeoutMs: LIMIT_MS };
  if (request.state !== undefined) {
    const argv = ["bin/pulumi", "policy", "analyze", "--file", request.state, "--json"];
    const result = await run([...argv, ...pack, ...request.rest], options);
    return [result, result.stdout.toString()];
  }
  const folder = mkdtempSync(join(tmpdir(), "mirlab-policy-"));
  try {
    const log = join(folder, "events");
    const argv = ["bin/pulumi", "preview", "--stack", request.stack, "--non-interactive"];
    const result = await run([...argv, ...pack, "--event-log", log, ...request.rest], {
      ...options,
      // The event log is one of the engine's commands for debugging.
      env: { PULUMI_DEBUG_COMMANDS: "true" },
    });
    return [result, readLog(log)];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Empty when the engine ended before it had something to tell. */
function readLog(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

async function look(request: Request): Promise<PolicyReport> {
  // Half a second of CPU, which other verbs and completion do not spend.
  const { POLICIES } = await import("../../policies/policies");
  const [result, log] = await events(request);
  const lines = (result.stderr || result.stdout.toString()).trim().split("\n");
  const said = lines.slice(-5).join(" ").trim();
  if (log.trim() === "") throw new Error(said || `pulumi ended with ${result.code}`);
  const report = policyReport(log, POLICIES, request.state ?? request.stack);
  // What failed for another reason was not looked at to its end.
  if (result.code !== 0 && report.counts.violated === 0) throw new Error(said);
  return report;
}

interface PolicyOptions {
  readonly json?: boolean;
  readonly state?: string;
  readonly policyPackConfig: string;
}

async function policy(
  stack: string,
  rest: readonly string[],
  options: PolicyOptions,
): Promise<void> {
  const { json = false, state, policyPackConfig: config } = options;
  // An exported state is judged without a stack.
  if (state === undefined) await selectStack(stack);
  const report = await look({ stack, state, config, rest }).catch(
    noAnswer("policy", "a preview or a state"),
  );
  console.log(json ? JSON.stringify(report, null, 2) : policyText(report));
  process.exitCode = report.counts.violated === 0 ? EXIT.ok : EXIT.violated;
}

const HELP = `
Asks the policies about a preview of the stack, or about an exported state. It changes nothing.
Exit code 0: no mandatory policy is violated, 5: one is, 2: could not tell.

Examples:
  lab policy
  bin/pulumi stack export >state.json && lab policy --state state.json`;

export const addPolicy = (lab: Command): Command =>
  passesToPulumi(lab.command("policy"))
    .description("a gate for CI: does the lab violate a policy")
    .option("--json", "print the results as JSON")
    .option("--state <file>", "judge this exported state instead of a preview")
    .option("--policy-pack-config <file>", "settings of the policies", "policies/config.json")
    .addHelpText("after", HELP)
    .action((_args: string[], options: PolicyOptions, command: Command) =>
      policy(stackOf(command), pulumiArgs(command), options),
    );

/**
 * `lab policy`: the policies' gate for CI, on a preview of a stack or on an exported state.
 *   policy.ts STACK [--state FILE] [--json] [--policy-pack-config FILE] [PULUMI ARGS]
 * Exit code 0: no mandatory policy is violated, 5: one is, 2: could not tell. Changes nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PolicyReport, policyReport, policyText } from "./policyReport";
import { POLICIES } from "../policies/policies";
import { run, RunResult } from "../core/exec.io";

/** Pulumi's own number for a policy violation. */
const VIOLATED = 5;
const COULD_NOT_TELL = 2;
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
  const [result, log] = await events(request);
  const lines = (result.stderr || result.stdout.toString()).trim().split("\n");
  const said = lines.slice(-5).join(" ").trim();
  if (log.trim() === "") throw new Error(said || `pulumi ended with ${result.code}`);
  const report = policyReport(log, POLICIES, request.state ?? request.stack);
  // What failed for another reason was not looked at to its end.
  if (result.code !== 0 && report.counts.violated === 0) throw new Error(said);
  return report;
}

async function main(): Promise<void> {
  const { values, tokens } = parseArgs({
    args: process.argv.slice(3),
    options: {
      json: { type: "boolean" },
      state: { type: "string" },
      "policy-pack-config": { type: "string", default: "policies/config.json" },
    },
    strict: false,
    tokens: true,
  });
  const own = ["json", "state", "policy-pack-config"];
  const rest = tokens.flatMap((t) => {
    if (t.kind === "option-terminator") return ["--"];
    if (t.kind === "positional") return [t.value];
    if (own.includes(t.name)) return [];
    return [t.inlineValue === true ? `${t.rawName}=${t.value ?? ""}` : t.rawName];
  });
  const report = await look({
    stack: process.argv[2] ?? "dev",
    state: typeof values.state === "string" ? values.state : undefined,
    config: String(values["policy-pack-config"]),
    rest,
  });
  console.log(values.json === true ? JSON.stringify(report, null, 2) : policyText(report));
  process.exitCode = report.counts.violated === 0 ? 0 : VIOLATED;
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(
    `policy: found no answer (${reason}), required a preview or a state; run 'npm run preview' to see it whole`,
  );
  process.exitCode = COULD_NOT_TELL;
});

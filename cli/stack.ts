/** The stack that a verb is about, and the engine on it. */
import { existsSync } from "node:fs";
import { run } from "../core/exec.io";
import { EXIT } from "./exitCodes";
import { Ended, Refusal } from "./refusal";
import { StackOutputs } from "./summary";
import { runForeground, runOrEnd } from "./terminal";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** The engine may have to be built first. */
const ENGINE_MS = 3_600_000;

export const fileOf = (stack: string): string => `Pulumi.${stack}.yaml`;

/** Throws for a name that cannot be a word of a command, and for a stack without a file. */
export function checkStack(stack: string): void {
  if (!NAME.test(stack)) {
    throw new Refusal({
      what: "stack",
      found: `the name '${stack}'`,
      need: "letters, digits and . _ -",
      fix: "set MIRLAB_STACK or --stack to another name",
    });
  }
  if (!existsSync(fileOf(stack))) {
    throw new Refusal({
      what: "stack",
      found: `no ${fileOf(stack)}`,
      need: "the stack's configuration",
      fix: `cp Pulumi.dev.yaml ${fileOf(stack)}, then edit it`,
    });
  }
}

const selectArgs = (stack: string): string[] => ["--stack", stack, "--non-interactive"];

/** Selects the stack, and creates it where the backend does not have it: that writes to its file. */
export async function selectStack(stack: string): Promise<void> {
  checkStack(stack);
  await runOrEnd(["bin/pulumi", "stack", "select", "--create", ...selectArgs(stack)], true);
}

/** Selects a stack that is there; writes nothing else. Throws where the backend does not have it. */
export async function selectExistingStack(stack: string, code: number): Promise<void> {
  checkStack(stack);
  const asked = await run(["bin/pulumi", "stack", "select", ...selectArgs(stack)], {
    timeoutMs: ENGINE_MS,
    onErrorLine: (line) => {
      if (line.startsWith("toolchain:")) console.error(line);
    },
  });
  if (asked.code === 0) return;
  if (!asked.stderr.includes("no stack named")) throw new Refusal(asked.stderr.trim(), code);
  const fault = {
    what: stack,
    found: "no such stack",
    need: "a lab that 'up' has created",
    fix: "npm run up, or set MIRLAB_STACK or MIRLAB_HOME to those of the lab",
  };
  throw new Refusal(fault, code);
}

/** Removes the lock of a run that was killed. */
export async function cancel(stack: string): Promise<void> {
  await runOrEnd(["bin/pulumi", "cancel", "--stack", stack, "--yes", "--non-interactive"], true);
}

export interface EngineOptions {
  /** Arguments of the user, for Pulumi. */
  readonly args: readonly string[];
  /** The engine's words go to standard error: standard output is for a program. */
  readonly toStderr?: boolean;
  /** Added to the program's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `bin/pulumi VERB` on the stack; gives its exit code. */
export const engineCode = (
  verb: readonly string[],
  stack: string,
  { args, toStderr, env }: EngineOptions,
): Promise<number> =>
  runForeground(["bin/pulumi", ...verb, "--stack", stack, ...args], toStderr, env);

/** Runs `bin/pulumi VERB` on the stack, and ends the verb with its exit code unless that is 0. */
export async function engine(
  verb: readonly string[],
  stack: string,
  options: EngineOptions,
): Promise<void> {
  const code = await engineCode(verb, stack, options);
  if (code !== EXIT.ok) throw new Ended(code);
}

/** The stack's outputs. Throws with the engine's words where it has none. */
export async function outputsOf(stack: string): Promise<StackOutputs> {
  const asked = await run(["bin/pulumi", "stack", "output", "--stack", stack, "--json"]);
  if (asked.code !== 0) throw new Refusal(asked.stderr.trim());
  return JSON.parse(asked.stdout.toString()) as StackOutputs;
}

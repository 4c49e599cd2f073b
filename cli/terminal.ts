/** What a verb prints, asks and runs at the user's terminal. */
import { ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline/promises";
import { EXIT } from "./exitCodes";
import { Ended, Refusal } from "./refusal";

/** One progress line. Standard output belongs to the verb's result. */
export const say = (text: string): void => void process.stderr.write(`lab: ${text}\n`);

/** Nobody is asked: `--yes`, or CI=true. */
export const assumeYes = (yes: boolean | undefined): boolean =>
  yes === true || process.env.CI === "true";

/** Asks on the terminal; only an answer that begins with y goes on. `CI=true` is a yes. */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (!assumeYes(yes)) await confirmByHand(question);
}

/** The same for what cannot be made good again: only `--yes` answers for the user. */
export async function confirmLoss(question: string, yes: boolean | undefined): Promise<void> {
  if (yes !== true) await confirmByHand(question);
}

async function confirmByHand(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new Refusal({
      what: question,
      found: "no terminal to ask on",
      need: "an answer",
      fix: "add --yes",
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D are a no.
  const closed = new Promise<string>((answer) => terminal.once("close", () => answer("")));
  const answer = await Promise.race([terminal.question(`lab: ${question} [y/N] `), closed]);
  terminal.close();
  if (!/^y/i.test(answer)) throw new Refusal("stopped: nothing was changed");
}

/** Programs that have the terminal: it sends Ctrl-C to them and to this process alike. */
const foreground = new Set<ChildProcess>();

const signalCode = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/**
 * Runs a program that has the terminal; gives its exit code, 128 and the signal's number where a signal
 * ended it. `toStderr`: its standard output goes to standard error. `env` is added to the environment.
 */
export function runForeground(
  argv: readonly string[],
  toStderr = false,
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ["inherit", toStderr ? process.stderr : "inherit", "inherit"],
    });
    foreground.add(child);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      foreground.delete(child);
      resolve(code ?? (signal === null ? EXIT.failed : signalCode(signal)));
    });
  });
}

/** Runs a program that has the terminal, and ends the verb with its exit code unless that is 0. */
export async function runOrEnd(argv: readonly string[], toStderr = false): Promise<void> {
  const code = await runForeground(argv, toStderr);
  if (code !== EXIT.ok) throw new Ended(code);
}

let interrupted = false;

/** A signal asked this process to end, by Ctrl-C too. */
export const wasInterrupted = (): boolean => interrupted;

/**
 * A signal to this process alone is passed on. Ctrl-C is not: the terminal has sent it to the program
 * too, and the engine takes a second one for "end at once, whatever is under way".
 */
export function handleSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      interrupted = true;
      // An exit, unlike a signal, ends what runs in the background: see core/exec.io.ts.
      if (foreground.size === 0) process.exit(signalCode(signal));
      if (signal !== "SIGINT") for (const child of foreground) child.kill(signal);
    });
  }
}

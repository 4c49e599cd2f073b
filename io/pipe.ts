/** Two programs, the one's output the other's input: what is too large to be held here. */
import { ChildProcess, spawn } from "node:child_process";
import { RunResult } from "./exec";

function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function start([program = "", ...args]: readonly string[]): ChildProcess {
  return spawn(program, args, {
    env: { ...process.env, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
}

function ended(child: ChildProcess): Promise<Omit<RunResult, "timedOut">> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve) => {
    const end = (code: number, note = ""): void => {
      const stderr = Buffer.concat(err).toString("utf8") + note;
      resolve({ code, stdout: Buffer.concat(out), stderr });
    };
    child.on("error", (error) => end(-1, error.message));
    child.on("close", (code) => end(code ?? -1));
  });
}

/** Runs both to their end. `stdin` is the first one's input. The first failure is the result. */
export async function runPiped(
  from: readonly string[],
  to: readonly string[],
  { stdin, timeoutMs }: { readonly stdin: string; readonly timeoutMs: number },
): Promise<RunResult> {
  const [first, second] = [start(from), start(to)];
  let timedOut = false;
  const both = [first, second];
  const atExit = (): void => both.forEach(endGroup);
  process.once("exit", atExit);
  const timer = setTimeout(() => {
    timedOut = true;
    both.forEach(endGroup);
  }, timeoutMs);
  for (const child of both) child.stdin?.on("error", () => undefined);
  first.stdout?.on("error", () => undefined);
  if (second.stdin !== null) first.stdout?.pipe(second.stdin);
  second.stdout?.resume();
  first.stdin?.end(stdin);
  const [one, two] = await Promise.all([ended(first), ended(second)]);
  clearTimeout(timer);
  process.removeListener("exit", atExit);
  return { ...(one.code === 0 ? two : one), timedOut };
}

/** Runs programs by argv, without a shell. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";

export interface RunOptions {
  /** Bytes for standard input, or where they come from; none by default. */
  readonly stdin?: string | Buffer | Readable;
  /** Where standard output goes, of any length; it is not in the result then. Ended with the program. */
  readonly stdout?: Writable;
  /** Called with each whole line of standard error as it comes; it is in the result as well. */
  readonly told?: (line: string) => void;
  /** Milliseconds until the program is ended. @default 60000 */
  readonly timeoutMs?: number;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunResult {
  /** Exit code; -1 when ended by a signal or not started. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Largest output that is kept, bytes: a 4k screenshot is 24 MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Programs under way: they are process groups of their own, so Ctrl-C does not reach them by itself. */
const underWay = new Set<number>();

/** Ends a program and whatever it started: a child of it would keep our pipes open. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

process.once("exit", () => underWay.forEach(endGroup));

/** Runs a program to its end. Never rejects for a failing program: the result says so. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = "", ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, LC_ALL: "C.UTF-8", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    if (child.pid !== undefined) underWay.add(child.pid);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child.pid);
    }, options.timeoutMs ?? 60_000);
    const keep = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_OUTPUT) into.push(chunk);
      else endGroup(child.pid);
    };
    if (options.stdout === undefined) child.stdout.on("data", keep(out));
    else child.stdout.pipe(options.stdout);
    child.stderr.on("data", keep(err));
    if (options.told !== undefined)
      createInterface({ input: child.stderr }).on("line", options.told);
    const end = (code: number, note = ""): void => {
      clearTimeout(timer);
      if (child.pid !== undefined) underWay.delete(child.pid);
      options.stdout?.end();
      // What it has not taken goes nowhere: whoever writes it would wait for ever. Taken off first, as a
      // broken pipe that is told after this would stop it again.
      if (options.stdin instanceof Readable) options.stdin.unpipe(child.stdin).resume();
      const stderr = Buffer.concat(err).toString("utf8") + note;
      resolve({ code, stdout: Buffer.concat(out), stderr, timedOut });
    };
    child.on("error", (error) => end(-1, `${program}: ${error.message}`));
    child.on("close", (code) => end(code ?? -1));
    // A program that ends before it has read its input closes the pipe: its exit code tells.
    child.stdin.on("error", () => undefined);
    if (options.stdin instanceof Readable) options.stdin.pipe(child.stdin);
    else child.stdin.end(options.stdin ?? "");
  });
}

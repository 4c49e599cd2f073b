/** Runs programs by argv, without a shell. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";
import { childEnvironment } from "./environment";

export interface RunOptions {
  /** Content of standard input, or a stream of it; empty by default. */
  readonly stdin?: string | Buffer | Readable;
  /** Receives standard output of any length instead of the result; ended when the program ends. */
  readonly stdout?: Writable;
  /** Called with each line of standard error as it arrives; the result contains the lines too. */
  readonly onErrorLine?: (line: string) => void;
  /** Milliseconds after which the program is killed. @default 60000 */
  readonly timeoutMs?: number;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The program stays in this process' session: sudo gives its ticket to a terminal's session alone. It must
   * not read from the terminal. @default false: it has a session of its own
   */
  readonly sharesSession?: boolean;
}

export interface RunResult {
  /** Exit code; -1 when a signal ended the program or it did not start. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Largest output that is kept, bytes: a 4k screenshot is 24 MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Running programs. Each is its own process group, so the terminal's Ctrl-C does not reach it. */
const running = new Set<number>();

/** Kills a program and its children: a child would keep our pipes open. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has already ended, or was not made yet.
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // So has the program.
    }
  }
}

process.once("exit", () => running.forEach(endGroup));

/**
 * Starts a program as a process group of its own without a session of its own, which Node.js cannot. perl is
 * on every Debian and Ubuntu.
 */
const GROUP = ["perl", "-e", "setpgrp(0, 0); exec { $ARGV[0] } @ARGV or die qq($ARGV[0]: $!\\n)"];

/** Runs a program to its end. A failing program does not reject: the result has its exit code. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const sharesSession = options.sharesSession === true;
  const [program = "", ...args] = sharesSession ? [...GROUP, ...argv] : argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: childEnvironment(process.env, options.env),
      stdio: ["pipe", "pipe", "pipe"],
      detached: !sharesSession,
    });
    if (child.pid !== undefined) running.add(child.pid);
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
    if (options.onErrorLine !== undefined)
      createInterface({ input: child.stderr }).on("line", options.onErrorLine);
    const end = (code: number, note = ""): void => {
      clearTimeout(timer);
      if (child.pid !== undefined) running.delete(child.pid);
      options.stdout?.end();
      // Discard input that the program did not read, or its writer would block for ever. Unpipe
      // first: a later broken-pipe error would pause the stream again.
      if (options.stdin instanceof Readable) options.stdin.unpipe(child.stdin).resume();
      const stderr = Buffer.concat(err).toString("utf8") + note;
      resolve({ code, stdout: Buffer.concat(out), stderr, timedOut });
    };
    child.on("error", (error) => end(-1, `${program}: ${error.message}`));
    child.on("close", (code) => end(code ?? -1));
    // A program that ends before it has read its input breaks the pipe; its exit code is the
    // result.
    child.stdin.on("error", () => undefined);
    if (options.stdin instanceof Readable) options.stdin.pipe(child.stdin);
    else child.stdin.end(options.stdin ?? "");
  });
}

/** The type of a sink, and helpers that the sinks share. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { DIR } from "./hostile";

export interface Sink {
  readonly id: string;
  /** How an escape is recognised. */
  readonly escape: string;
  /** Number of cases that one process tests together. */
  readonly batch: number;
  readonly input: fc.Arbitrary<string>;
  /** The program that is missing on this machine; set: the sink cannot be tested here. */
  readonly lacks?: string | undefined;
  /**
   * The guard: whether it accepts a case. A guard that refuses everything has no escapes and proves
   * nothing, so it has to accept a share of the cases.
   */
  readonly takes?: (text: string) => boolean;
  /** The cases that escaped. */
  escaped(cases: readonly string[]): string[];
}

/** The result of `make`, or undefined if it throws. */
export function accepted<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

export const run = (program: string, args: readonly string[], input = ""): string =>
  execFileSync(program, args, {
    ...{ input, cwd: DIR, maxBuffer: 1 << 28, encoding: "utf8" },
    stdio: ["pipe", "pipe", "ignore"],
  });

export const each =
  (escapes: (text: string) => boolean) =>
  (cases: readonly string[]): string[] =>
    cases.filter(escapes);

/** `what` if the program does not run, else undefined. */
export const lacking = (what: string, program: string, ...args: string[]): string | undefined =>
  accepted(() => run(program, args)) === undefined ? what : undefined;

/** What a sink is, and what the sinks share. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { DIR } from "./hostile";

export interface Sink {
  readonly id: string;
  /** How an escape is recognised. */
  readonly escape: string;
  /** Cases that are tried together: one process for all of them. */
  readonly batch: number;
  readonly input: fc.Arbitrary<string>;
  /** What is missing on this machine; set: it cannot be tried here. */
  readonly lacks?: string | undefined;
  /**
   * Whether a case is taken at all. A rule that refuses everything has no escapes, and proves nothing:
   * where this is there, a share of the cases has to be taken.
   */
  readonly takes?: (text: string) => boolean;
  /** Those that got out. */
  escaped(cases: readonly string[]): string[];
}

/** What a function makes of a text, or undefined where it refuses it. */
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

/** The reason that a sink cannot be tried, where the program does not run. */
export const lacking = (what: string, program: string, ...args: string[]): string | undefined =>
  accepted(() => run(program, args)) === undefined ? what : undefined;

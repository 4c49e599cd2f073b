/** Tries a sink with so many cases; a seed makes the same ones again. */
import fc from "fast-check";
import { Sink } from "./sinks";

export interface Outcome {
  readonly cases: number;
  readonly escapes: readonly string[];
}

export function fuzz(sink: Sink, count: number, seed: number): Outcome {
  const cases = fc.sample(sink.input, { numRuns: count, seed });
  const escapes: string[] = [];
  for (let at = 0; at < cases.length; at += sink.batch) {
    escapes.push(...sink.escaped(cases.slice(at, at + sink.batch)));
  }
  return { cases: cases.length, escapes };
}

/** Tries a sink with so many cases; a seed makes the same ones again. */
import fc from "fast-check";
import { Sink } from "./sink";

export interface Outcome {
  readonly cases: number;
  /** Of them, taken by what guards the sink; undefined where nothing does. */
  readonly taken: number | undefined;
  readonly escapes: readonly string[];
}

/** Share of the cases that a guard has to take for its sink to be tried at all. */
const LEAST_TAKEN = 0.05;

/** Why the outcome proves nothing, or undefined. */
export function unproven({ cases, taken }: Outcome): string | undefined {
  if (taken === undefined || taken >= cases * LEAST_TAKEN) return undefined;
  return `found ${taken} of ${cases} cases taken, required ${LEAST_TAKEN * 100} %: what is refused tries nothing`;
}

export function fuzz(sink: Sink, count: number, seed: number): Outcome {
  const cases = fc.sample(sink.input, { numRuns: count, seed });
  const escapes: string[] = [];
  for (let at = 0; at < cases.length; at += sink.batch) {
    escapes.push(...sink.escaped(cases.slice(at, at + sink.batch)));
  }
  const { takes } = sink;
  const taken = takes === undefined ? undefined : cases.filter(takes).length;
  return { cases: cases.length, taken, escapes };
}

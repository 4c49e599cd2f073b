/** Tests a sink with a number of cases; the same seed gives the same cases. */
import fc from "fast-check";
import { Sink } from "./sink";

export interface Outcome {
  readonly cases: number;
  /** How many of them the sink's guard accepted; undefined: the sink has no guard. */
  readonly taken: number | undefined;
  readonly escapes: readonly string[];
}

/** Share of the cases that a guard has to accept, or the sink is hardly tested. */
const LEAST_TAKEN = 0.05;

/** Why the outcome proves nothing, or undefined. */
export function unproven({ cases, taken }: Outcome): string | undefined {
  if (taken === undefined || taken >= cases * LEAST_TAKEN) return undefined;
  return `found ${taken} of ${cases} cases accepted; need ${LEAST_TAKEN * 100} %: refused cases test nothing`;
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

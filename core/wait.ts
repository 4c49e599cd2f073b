/** Waits that say what they wait for, and stop when it cannot come any more. */

export interface Clock {
  /** Seconds, from any beginning. */
  readonly now: () => number;
  readonly sleep: (seconds: number) => Promise<void>;
}

export interface WaitOptions {
  /** Start of the lines that are told, e.g. `mir: readiness`. */
  readonly what: string;
  /** Seconds after which the wait ends, whatever moves. */
  readonly limitS: number;
  /** Seconds in which something has to move. @default limitS */
  readonly stallS?: number;
  /** Seconds between tries. @default 2 */
  readonly everyS?: number;
  readonly clock?: Clock;
}

/** Not done yet, and why. */
export interface NotYet {
  readonly notYet: string;
  /** Grows with whatever moves forward; more than ever before is progress. */
  readonly moved?: number;
}

/** One try: done with a value, or not yet and why. Throws when it can never be done. */
export type Try<T> = () => Promise<{ readonly value: T } | NotYet>;

/** Seconds between progress lines. */
const TELL_EVERY_S = 15;

const CLOCK: Clock = {
  now: () => performance.now() / 1000,
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};

/**
 * Tries until done. A limit alone is too long for a guest that hangs or too short for one that is
 * slow: so progress extends the time, up to the limit. Throws with what, why, elapsed and limit.
 */
export async function waitFor<T>(options: WaitOptions, attempt: Try<T>): Promise<T> {
  const { what, limitS, stallS = limitS, everyS = 2, clock = CLOCK } = options;
  const started = clock.now();
  let told = 0;
  let most = -Infinity;
  let movedAt = 0;
  for (;;) {
    const result = await attempt();
    if ("value" in result) return result.value;
    const elapsed = clock.now() - started;
    if (result.moved !== undefined && result.moved > most) {
      // The first number is where it begins, not progress.
      if (most !== -Infinity) movedAt = elapsed;
      most = result.moved;
    }
    const endS = Math.min(limitS, movedAt + stallS);
    const line = `${what} ${result.notYet}; ${elapsed.toFixed(0)} s of ${endS.toFixed(0)} s`;
    if (elapsed >= endS) {
      const still = endS < limitS ? `, nothing moved for ${stallS} s` : "";
      throw new Error(`not in time: ${line}${still}`);
    }
    if (elapsed - told >= TELL_EVERY_S) {
      told = elapsed;
      console.log(line);
    }
    await clock.sleep(everyS);
  }
}

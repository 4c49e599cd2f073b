/** Waits that report what they wait for, and stop when it can no longer happen. */

export interface Clock {
  /** Seconds since an arbitrary start. */
  readonly now: () => number;
  readonly sleep: (seconds: number) => Promise<void>;
}

export interface WaitOptions {
  /** Start of the progress lines, e.g. `mir: readiness`. */
  readonly what: string;
  /** Seconds after which the wait fails even with progress. */
  readonly limitS: number;
  /** Seconds without progress after which the wait fails; a function is asked at each try. @default limitS */
  readonly stallS?: number | (() => number);
  /** Seconds between tries. @default 2 */
  readonly everyS?: number;
  readonly clock?: Clock;
}

/** The wait has ended; the thing waited for has not come. */
export class NotInTime extends Error {}

/** Not done yet, with the reason. */
export interface NotYet {
  readonly notYet: string;
  /** A count of what has happened so far; a new maximum is progress. */
  readonly moved?: number;
}

/** One try: done with a value, or not yet. Throws when waiting cannot help. */
export type Try<T> = () => Promise<{ readonly value: T } | NotYet>;

/** Seconds between progress lines. */
const PROGRESS_EVERY_S = 15;

const CLOCK: Clock = {
  now: () => performance.now() / 1000,
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};

/**
 * Tries until done. One limit alone is too long for a hung guest or too short for a slow one, so
 * progress extends the time, up to the limit. Throws with what, why, elapsed and limit.
 */
export async function waitFor<T>(options: WaitOptions, attempt: Try<T>): Promise<T> {
  const { what, limitS, everyS = 2, clock = CLOCK } = options;
  const stall = options.stallS ?? limitS;
  const started = clock.now();
  let printedAt = 0;
  let most = -Infinity;
  let movedAt = 0;
  for (;;) {
    const result = await attempt();
    if ("value" in result) return result.value;
    const elapsed = clock.now() - started;
    if (result.moved !== undefined && result.moved > most) {
      // The first count is the starting point, not progress.
      if (most !== -Infinity) movedAt = elapsed;
      most = result.moved;
    }
    const stallS = typeof stall === "number" ? stall : stall();
    const endS = Math.min(limitS, movedAt + stallS);
    const line = `${what} ${result.notYet}; ${elapsed.toFixed(0)} s of ${endS.toFixed(0)} s`;
    if (elapsed >= endS) {
      const stalled = endS < limitS ? `, no progress for ${stallS.toFixed(0)} s` : "";
      throw new NotInTime(`not in time: ${line}${stalled}`);
    }
    if (elapsed - printedAt >= PROGRESS_EVERY_S) {
      printedAt = elapsed;
      console.log(line);
    }
    await clock.sleep(everyS);
  }
}

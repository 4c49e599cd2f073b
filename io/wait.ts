/** Waits that say what they wait for and stop on a state that cannot recover. */

export interface WaitOptions {
  /** e.g. `mir: ssh`. */
  readonly what: string;
  readonly limitS: number;
  /** Seconds between tries. @default 2 */
  readonly everyS?: number;
}

/** One try: done with a value, or not yet and why. Throws when it can never be done. */
export type Try<T> = () => Promise<{ readonly value: T } | { readonly notYet: string }>;

/** Seconds between progress lines. */
const TELL_EVERY_S = 15;

const sleep = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Tries until done. Throws with what, elapsed, limit and the last reason. */
export async function waitFor<T>(options: WaitOptions, attempt: Try<T>): Promise<T> {
  const started = Date.now();
  const elapsed = (): number => (Date.now() - started) / 1000;
  let told = 0;
  for (;;) {
    const result = await attempt();
    if ("value" in result) return result.value;
    const progress = `${options.what}: ${elapsed().toFixed(0)} s of ${options.limitS} s; ${result.notYet}`;
    if (elapsed() >= options.limitS) throw new Error(`not in time: ${progress}`);
    if (elapsed() - told >= TELL_EVERY_S) {
      told = elapsed();
      console.log(progress);
    }
    await sleep(options.everyS ?? 2);
  }
}

/** Seconds of one run, and table rows of several runs. */

export interface Phases {
  /** From the image alone to the picture. */
  readonly total: number;
  /** From the domain's start to the end of its first boot. */
  readonly login: number;
  /** From there to a picture of Mir. */
  readonly frame: number;
}

/** A clock that only goes forward, in seconds. */
export const seconds = (): number => Number(process.hrtime.bigint()) / 1e9;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN;
  return (low + high) / 2;
}

/** `12.3 (11.9-14.0)`: median, and the least and the most. */
export function spread(values: readonly number[], digits = 1): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}-${most.toFixed(digits)})`;
}

/** A row: seconds with and without a part, their difference and ratio within each round. */
export function addedRow(what: string, full: readonly number[], bare: readonly number[]): string {
  const added = full.map((value, i) => value - (bare[i] ?? NaN));
  const ratios = full.map((value, i) => value / (bare[i] ?? NaN));
  const cells = [spread(full, 2), spread(bare, 2), spread(added, 2), spread(ratios, 2)];
  return `| ${what} | ${cells.join(" | ")} | ${full.length} |`;
}

/** A row of the table: seconds of both sides, and the ratio within each round. */
export function row(what: string, engine: readonly number[], other: readonly number[]): string {
  const ratios = engine.map((value, i) => value / (other[i] ?? NaN));
  return `| ${what} | ${spread(engine)} | ${spread(other)} | ${spread(ratios, 2)} | ${engine.length} |`;
}

/** Compares what a machine has to be, item by item, with what was observed. Pure. */

/** The result of a look: a value by item and field, or why the value is not known. */
export interface Seen {
  fact(
    item: string,
    field: string,
  ): { readonly value: string; readonly known: boolean } | undefined;
}

/** Values that the last `up` recorded and no configuration declares, by `ITEM: FIELD`. */
export type Recorded = Readonly<Record<string, string>>;

/**
 * How a difference is resolved. `run`: `up` repairs it. `accept`: the owner decides about this
 * value, so the next `up` records the found value as the right one.
 */
export interface Heal<Step, How = "run" | "accept"> {
  readonly how: How;
  readonly words: string;
  readonly step?: Step;
  /** What the repair costs, e.g. a download; unset: nothing noticeable. */
  readonly cost?: string;
}

/** One required value. */
export interface Wanted<Step, How = "run" | "accept"> {
  readonly item: string;
  readonly field: string;
  /** The required value in words; without `ok` also the exact value. */
  readonly right: string;
  readonly ok?: (found: string) => boolean;
  /** The last `up` recorded the value; the configuration does not declare it. */
  readonly recorded?: boolean;
  readonly heal: Heal<Step, How>;
}

export interface Difference<Step, How = "run" | "accept"> {
  readonly item: string;
  readonly field: string;
  readonly right: string;
  readonly recorded: boolean;
  readonly found: string;
  readonly heal: Heal<Step, How>;
}

export const key = (item: string, field: string): string => `${item}: ${field}`;

/** Everything that is not as required. A value that is not known counts as a difference. */
export function differencesOf<Step>(
  wanted: readonly Wanted<Step>[],
  seen: Seen,
): Difference<Step>[] {
  return wanted.flatMap(({ item, field, right, ok, recorded = false, heal }) => {
    const fact = seen.fact(item, field);
    if (fact?.known === true && (ok?.(fact.value) ?? fact.value === right)) return [];
    const found =
      fact === undefined ? "nothing reported" : fact.known ? fact.value : `unknown (${fact.value})`;
    return [{ item, field, right, recorded, found, heal }];
  });
}

/** `package libgbm1: declared installed, found missing; up installs it (a download)` */
export function differenceText({
  item,
  field,
  right,
  recorded,
  found,
  heal,
}: Difference<unknown, unknown>): string {
  const what = field === "state" ? "" : `${field} `;
  const cost = heal.cost === undefined ? "" : ` (${heal.cost})`;
  return `${item}: ${what}${recorded ? "was" : "declared"} ${right}, found ${found}; ${heal.words}${cost}`;
}

/** For `onDrift: report`: an edited declaration cannot be set without undoing what is only to be reported. */
export const reportedOnly = (name: string, drift: readonly string[]): Error =>
  new Error(
    `${name}: found a changed declaration and drift that is only to be reported (${drift.join("; ")}); ` +
      `need one of them alone: setting the declaration would undo the other; ` +
      `fix: set guests[].onDrift to "heal" for this 'up', or take the drift into the configuration first`,
  );

/** What is right of a machine, item by item, compared with what was seen of it. Pure. */

/** What a look tells: a value by item and field, or why nobody could tell it. */
export interface Seen {
  fact(
    item: string,
    field: string,
  ): { readonly value: string; readonly known: boolean } | undefined;
}

/** Values that only the last `up` knows, by `ITEM: FIELD`. */
export type Recorded = Readonly<Record<string, string>>;

/**
 * How a difference goes away. `run`: `up` does it. `accept`: it is the owner's to decide, so the next
 * `up` records it, and it is right from then on.
 */
export interface Heal<Step, How = "run" | "accept"> {
  readonly how: How;
  readonly words: string;
  readonly step?: Step;
  /** What it costs; unset: nothing that anybody notices. */
  readonly cost?: string;
}

/** One thing that has to be so. */
export interface Wanted<Step, How = "run" | "accept"> {
  readonly item: string;
  readonly field: string;
  /** What is right: in words and, where no `ok` is given, by value. */
  readonly right: string;
  readonly ok?: (found: string) => boolean;
  /** It was found by the last `up`, and is not declared. */
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

/** Everything that is not as wanted. What nobody could tell is a difference too. */
export function differencesOf<Step>(
  wanted: readonly Wanted<Step>[],
  seen: Seen,
): Difference<Step>[] {
  return wanted.flatMap(({ item, field, right, ok, recorded = false, heal }) => {
    const fact = seen.fact(item, field);
    if (fact?.known === true && (ok?.(fact.value) ?? fact.value === right)) return [];
    const found =
      fact === undefined ? "nothing told" : fact.known ? fact.value : `unknown (${fact.value})`;
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

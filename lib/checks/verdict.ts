/** What a check says of a guest. Pure. */

/** In this order: what a tier asks for means little while the one before it is unmet. */
export type Tier = "boot" | "graphics" | "session";

/** One check's verdict, in words a person can act on. */
export interface Verdict {
  /** Stable: tests, docs and troubleshooting sections are named by it. */
  readonly id: string;
  readonly tier: Tier;
  /**
   * `unknown`: the fact could not be had; it is not ok. `skipped`: the check does not apply to this
   * guest, and `found` says why.
   */
  readonly status: "met" | "unmet" | "unknown" | "skipped";
  /** A fatal check that is not met fails the deploy; another one is a warning. */
  readonly fatal: boolean;
  readonly found: string;
  readonly required: string;
  readonly remedy: string;
  /** Time alone can still meet it: a session that starts, a picture that is being drawn. */
  readonly settles: boolean;
}

export const isMet = (v: Verdict): boolean => v.status === "met" || v.status === "skipped";

/** `25 of 27`, of those that were asked. */
export function countMet(verdicts: readonly Verdict[]): string {
  const asked = verdicts.filter((v) => v.status !== "skipped");
  return `${asked.filter(isMet).length} of ${asked.length}`;
}

/** `mesa: found 10.1.3, need >= 10.3.0; <remedy>` */
export function verdictText(v: Verdict): string {
  if (v.status === "skipped") return `${v.id}: not asked: ${v.found}`;
  return v.status === "met"
    ? `${v.id}: ${v.found} meets ${v.required}`
    : `${v.id}: found ${v.found}, need ${v.required}; ${v.remedy}`;
}

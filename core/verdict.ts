/** Results of a guest's checks. Pure. */
import { faultText } from "./fault";

/** In this order: a tier's checks mean little while the tier before it is unmet. */
export type Tier = "boot" | "graphics" | "session";

/** One check's verdict, with the fix for a person. */
export interface Verdict {
  /** Stable: the state, tests and troubleshooting sections refer to it. */
  readonly id: string;
  readonly tier: Tier;
  /**
   * `unknown`: the guest could not report the fact; counts as not met. `skipped`: the check does
   * not apply to this guest, and `found` says why.
   */
  readonly status: "met" | "unmet" | "unknown" | "skipped";
  /** An unmet fatal check fails the deploy; an unmet other check is a warning. */
  readonly fatal: boolean;
  readonly found: string;
  readonly required: string;
  readonly remedy: string;
  /** Waiting can still meet the check: a session starts, a picture is being drawn. */
  readonly settles: boolean;
}

/** A check's result, before the check's own words are added. */
export interface Outcome {
  readonly status: Verdict["status"];
  readonly found: string;
  /** These replace the check's own values where the finding decides them. */
  readonly settles?: boolean;
  readonly remedy?: string;
}

export const met = (found: string): Outcome => ({ status: "met", found });
export const unmet = (found: string, more: Omit<Outcome, "status" | "found"> = {}): Outcome => ({
  ...{ status: "unmet", found },
  ...more,
});
export const skipped = (found: string): Outcome => ({ status: "skipped", found });
export const metIf = (ok: boolean, found: string): Outcome => (ok ? met(found) : unmet(found));

/** Results that only the host can obtain, by check; absent: this look did not try. */
export interface Proofs {
  readonly domain?: Outcome;
  readonly serial?: Outcome;
  readonly ssh?: Outcome;
  readonly share?: Outcome;
  readonly picture?: Outcome;
  readonly outputs?: Outcome;
  readonly keyboard?: Outcome;
}

/** A guest that answers has passed these checks. */
export const UP: Proofs = {
  domain: met("running"),
  serial: met("a guest that answers"),
  ssh: met("the pinned host key"),
};

export const isMet = (v: Verdict): boolean => v.status === "met" || v.status === "skipped";

/** `25 of 27`, without the skipped ones. */
export function countMet(verdicts: readonly Verdict[]): string {
  const counted = verdicts.filter((v) => v.status !== "skipped");
  return `${counted.filter(isMet).length} of ${counted.length}`;
}

/** `mesa: found 10.1.3; need >= 10.3.0; fix: <remedy>` */
export function verdictText(v: Verdict): string {
  if (v.status === "skipped") return `${v.id}: skipped: ${v.found}`;
  return v.status === "met"
    ? `${v.id}: ${v.found} meets ${v.required}`
    : faultText({ what: v.id, found: v.found, need: v.required, fix: v.remedy });
}

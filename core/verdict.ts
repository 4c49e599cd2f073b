/** What a check says of a guest. Pure. */
import { faultText } from "./fault";

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

/** What a check says, before it is told with the check's own words. */
export interface Outcome {
  readonly status: Verdict["status"];
  readonly found: string;
  /** Instead of the check's own, where what was found decides it. */
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

/** What only the host can find out, by check; absent: it was not tried in this look. */
export interface Proofs {
  readonly domain?: Outcome;
  readonly serial?: Outcome;
  readonly ssh?: Outcome;
  readonly share?: Outcome;
  readonly picture?: Outcome;
  readonly keyboard?: Outcome;
}

/** A guest that answers has come up. */
export const UP: Proofs = {
  domain: met("running"),
  serial: met("a guest that answers"),
  ssh: met("the pinned host key"),
};

export const isMet = (v: Verdict): boolean => v.status === "met" || v.status === "skipped";

/** `25 of 27`, of those that were asked. */
export function countMet(verdicts: readonly Verdict[]): string {
  const asked = verdicts.filter((v) => v.status !== "skipped");
  return `${asked.filter(isMet).length} of ${asked.length}`;
}

/** `mesa: found 10.1.3; need >= 10.3.0; fix: <remedy>` */
export function verdictText(v: Verdict): string {
  if (v.status === "skipped") return `${v.id}: not asked: ${v.found}`;
  return v.status === "met"
    ? `${v.id}: ${v.found} meets ${v.required}`
    : faultText({ what: v.id, found: v.found, need: v.required, fix: v.remedy });
}

/** All checks of a guest, in the order in which they are told. Pure. */
import { BOOT } from "./boot";
import { Check, Seen, TieredCheck, verdictOf, Wanted } from "./check";
import { GRAPHICS } from "./graphics";
import { SESSION } from "./session";
import { isMet, Tier, Verdict } from "../../../core/verdict";

const inTier = (tier: Tier, checks: readonly Check[]): TieredCheck[] =>
  checks.map((check) => ({ ...check, tier }));

export const CHECKS: readonly TieredCheck[] = [
  ...inTier("boot", BOOT),
  ...inTier("graphics", GRAPHICS),
  ...inTier("session", SESSION),
];

/** The verdicts on what was seen; a check that saw nothing of its own gives none. */
export function judge(seen: Seen, wanted: Wanted): Verdict[] {
  const unmet = new Set<string>();
  return CHECKS.flatMap((check) => {
    const verdict = verdictOf(check, seen, wanted, unmet);
    if (verdict === undefined) return [];
    if (!isMet(verdict)) unmet.add(verdict.id);
    return [verdict];
  });
}

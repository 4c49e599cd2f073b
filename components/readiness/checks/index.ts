/** All checks of a guest, in the order of the output. Pure. */
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

/** The verdicts on a look; a check for which the look has nothing to judge returns none. */
export function judge(seen: Seen, wanted: Wanted): Verdict[] {
  const unmet = new Set<string>();
  return CHECKS.flatMap((check) => {
    const verdict = verdictOf(check, seen, wanted, unmet);
    if (verdict === undefined) return [];
    if (!isMet(verdict)) unmet.add(verdict.id);
    return [verdict];
  });
}

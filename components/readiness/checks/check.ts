/** What a check is made of: data, and a pure function of what was seen. */
import { GuestFacts, GuestLook } from "../../guest/facts";
import { GateRequirements } from "../../../core/requirement";
import { Outcome, Proofs, skipped, Tier, Verdict } from "../../../core/verdict";

/** What the configuration asks for. */
export interface Wanted {
  readonly gates: GateRequirements;
  /** Host folder of the share, and its mount point in the guest; unset: none. */
  readonly share?: { readonly path: string; readonly mount: string; readonly readonly: boolean };
  /** File that keeps the picture. */
  readonly picture: string;
}

/** One look: what the guest said of itself, if it could be asked, and what was proven from outside. */
export interface Seen {
  readonly guest?: GuestLook;
  readonly proofs?: Proofs;
}

/** One check. A new one is one entry in its tier's file and a section in docs/troubleshooting.md. */
export interface Check {
  /** Stable: states, tests and the troubleshooting page are named by it. */
  readonly id: string;
  /** What it asks, as a question. */
  readonly description: string;
  /** Line of the 2014 page that it comes from; null: experience. */
  readonly page: number | null;
  /** How it is found out. */
  readonly probe: string;
  readonly required: string | ((wanted: Wanted) => string);
  readonly remedy: string | ((wanted: Wanted) => string);
  /** A fatal one that is not met fails the deploy; another is a warning. */
  readonly fatal: boolean;
  /** Time alone can still meet it. */
  readonly settles: boolean;
  /** Checks before it without which it has nothing to ask: one fault is told once. */
  readonly needs?: readonly string[];
  /** Undefined: nothing was seen that it could judge. */
  readonly judge: (seen: Seen, wanted: Wanted) => Outcome | undefined;
}

export interface TieredCheck extends Check {
  readonly tier: Tier;
}

/** Judges by the guest's facts. */
export const byFacts =
  (judge: (facts: GuestFacts, wanted: Wanted, look: GuestLook) => Outcome): Check["judge"] =>
  ({ guest }, wanted) =>
    guest === undefined ? undefined : judge(guest.facts, wanted, guest);

/** Judges by what was proven from the host. */
export const byProof =
  (name: keyof Proofs): Check["judge"] =>
  ({ proofs }) =>
    proofs?.[name];

/** The guest could not tell a fact: unknown is not ok. `fact` is its name in scripts/guest/facts.py. */
export function untold(facts: GuestFacts, fact: string): Outcome {
  const why = facts.errors[fact];
  return { status: "unknown", found: why === undefined ? "nothing" : `nothing (${why})` };
}

/** The verdict of a check on what was seen, or none; `unmet` are the ids that are not met so far. */
export function verdictOf(
  check: TieredCheck,
  seen: Seen,
  wanted: Wanted,
  unmet: ReadonlySet<string>,
): Verdict | undefined {
  const judged = check.judge(seen, wanted);
  if (judged === undefined) return undefined;
  const lacking = (check.needs ?? []).filter((id) => unmet.has(id));
  const outcome =
    lacking.length === 0 ? judged : skipped(`not before ${lacking.join(" and ")} is met`);
  const { required, remedy } = check;
  return {
    ...{ id: check.id, tier: check.tier, status: outcome.status, fatal: check.fatal },
    found: outcome.found,
    required: typeof required === "string" ? required : required(wanted),
    remedy: outcome.remedy ?? (typeof remedy === "string" ? remedy : remedy(wanted)),
    settles: outcome.settles ?? check.settles,
  };
}

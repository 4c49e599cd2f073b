/** The parts of a check: data, and a pure function that judges a look. */
import { GuestFacts, GuestLook } from "../../guest/facts";
import { GateRequirements } from "../../../core/requirement";
import { VideoModel } from "../../../config/video";
import { Acceleration } from "../../../core/limits";
import { Outcome, Proofs, skipped, Tier, Verdict } from "../../../core/verdict";

/** What the configuration requires. */
export interface Wanted {
  readonly gates: GateRequirements;
  /** Host folder of the share and its mount point in the guest; unset: no share. */
  readonly share?: { readonly path: string; readonly mount: string; readonly readonly: boolean };
  /** File that keeps the picture. */
  readonly picture: string;
  /** The guest's card. @default qxl */
  readonly video?: VideoModel;
  /** Modes of the declared outputs, e.g. `1024x768`; unset: one output, in any mode. */
  readonly outputs?: readonly string[];
  /** How the guest's CPU runs. @default not known */
  readonly acceleration?: Acceleration;
  /** The pointer has to be in the picture. @default it need not be */
  readonly cursor?: "software";
  /** The session draws for no screen. @default a KMS platform */
  readonly platform?: "virtual";
}

/** One look: the guest's facts, if it answered, and the proofs from the host. */
export interface Seen {
  readonly guest?: GuestLook;
  readonly proofs?: Proofs;
}

/** One check. A new one needs an entry in its tier's file and a section in docs/troubleshooting.md. */
export interface Check {
  /** Stable: the state, tests and the troubleshooting page refer to it. */
  readonly id: string;
  /** The question that the check answers. */
  readonly description: string;
  /** Line of the 2014 page that the check comes from; null: from experience. */
  readonly page: number | null;
  /** Where the answer comes from. */
  readonly probe: string;
  readonly required: string | ((wanted: Wanted) => string);
  readonly remedy: string | ((wanted: Wanted) => string);
  /** An unmet fatal check fails the deploy; an unmet other check is a warning. */
  readonly fatal: boolean;
  /** Waiting can still meet the check. */
  readonly settles: boolean;
  /** Skipped while one of these is unmet, so that one fault is reported once. */
  readonly needs?: readonly string[];
  /** Undefined: the look has nothing to judge. */
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

/** Judges by a proof from the host. */
export const byProof =
  (name: keyof Proofs): Check["judge"] =>
  ({ proofs }) =>
    proofs?.[name];

/** The outcome for a fact that the guest could not read; `fact`: its name in scripts/guest/facts.py. */
export function unknownFact(facts: GuestFacts, fact: string): Outcome {
  const why = facts.errors[fact];
  return { status: "unknown", found: why === undefined ? "nothing" : `nothing (${why})` };
}

/** The verdict of a check on a look, or undefined; `unmet`: ids of the unmet checks so far. */
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

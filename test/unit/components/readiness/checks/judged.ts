/** What checks say of a guest that runs Mir, with one change. */
import assert from "node:assert/strict";
import { judge } from "../../../../../components/readiness/checks";
import { Wanted } from "../../../../../components/readiness/checks/check";
import { met, Proofs, skipped, Verdict } from "../../../../../core/verdict";
import { GuestFacts, GuestLook, readFacts } from "../../../../../components/guest/facts";
import { FACTS, fixture } from "../../../support";

export const WANTED: Wanted = {
  gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
  share: { path: "/srv/share", mount: "/mnt/share", readonly: false },
  picture: "/labs/screen.png",
};
/** The answer of a guest that runs Mir. */
export const READY: GuestLook = { ...readFacts(fixture(FACTS.ready)), sessionSeconds: 60 };
export const PROOFS: Proofs = {
  ...{ domain: met("running"), serial: met("quiet"), ssh: met("the pinned host key") },
  ...{ share: met("both ways"), picture: met("1024x768"), keyboard: met("another picture") },
  outputs: skipped("no output is declared"),
};

export type Change = Partial<GuestFacts> & { sessionSeconds?: number | null };

export function judged(
  change: Change = {},
  wanted: Partial<Wanted> = {},
  proofs: Proofs = {},
): Verdict[] {
  const { sessionSeconds = READY.sessionSeconds, ...facts } = change;
  const guest = { facts: { ...READY.facts, ...facts }, sessionSeconds };
  return judge({ guest, proofs: { ...PROOFS, ...proofs } }, { ...WANTED, ...wanted });
}

export function verdict(id: string, change: Change = {}, wanted: Partial<Wanted> = {}): Verdict {
  const found = judged(change, wanted).find((v) => v.id === id);
  assert.ok(found, id);
  return found;
}

export const card = (change: object) =>
  ({ cards: [{ ...READY.facts.cards?.[0], ...change }] }) as Change;

/** Compares a guest's contract with what was observed. Pure. */
import { differencesOf, key, Recorded } from "../../core/contract";
import { GuestContract, GuestDifference, Written } from "./contract";
import { RECORDED, SECTIONS } from "./contractItems";
import { GuestObservation } from "./observation";
import { GuestSeen } from "./seen";

/** Every value that is not as declared or, where the lab declares nothing, not as recorded. */
export function guestDifferences(
  contract: GuestContract,
  written: Written,
  recorded: Recorded,
  seen: GuestSeen,
): GuestDifference[] {
  const wanted = SECTIONS.flatMap((section) => section({ contract, written, recorded, seen }));
  return differencesOf(wanted, seen);
}

/** Whether to read the packages' files: their sizes or times differ from the last sound ones. */
export function needsVerifying(
  { own }: GuestContract,
  recorded: Recorded,
  { kernel, packages }: GuestObservation,
): boolean {
  if (own === undefined || packages === null || packages.changed !== null) return false;
  return (
    recorded[SIGNATURE] !== packages.signature ||
    (kernel !== null && recorded[INITRD] !== kernel.initrd)
  );
}

const SIGNATURE = key("packaged files", "signature");
const INITRD = key("initrd", "signature");

/** Signatures of files that were found intact, so that the next look need not read them. */
export function signaturesOf(
  { kernel, packages }: GuestObservation,
  recorded: Recorded,
): Record<string, string> {
  if (packages?.changed?.length !== 0) return {};
  const right = recorded[key("initrd", "content")];
  const same = right === undefined || right === packages.initrdSha256?.slice(0, 12);
  return {
    [SIGNATURE]: packages.signature,
    ...(kernel !== null && same ? { [INITRD]: kernel.initrd } : {}),
  };
}

/** The values that a successful `up` records: no configuration declares them. */
export function recordOf(
  { own }: GuestContract,
  observation: GuestObservation,
  seen: GuestSeen,
  before: Recorded,
): Record<string, string> {
  if (own === undefined) return {};
  const kept = Object.fromEntries(
    seen
      .all()
      .filter(([item, field]) => RECORDED.some((rule) => rule(item, field)))
      .map(([item, field, value]) => [key(item, field), value]),
  );
  const initrd = key("initrd", "content");
  const known = kept[initrd] === undefined && before[initrd] !== undefined;
  const record = { ...kept, ...(known ? { [initrd]: before[initrd] ?? "" } : {}) };
  const signatures = Object.fromEntries(
    [SIGNATURE, INITRD].flatMap((name) =>
      before[name] === undefined ? [] : [[name, before[name]]],
    ),
  );
  return { ...signatures, ...record, ...signaturesOf(observation, record) };
}

/** What a lab relies on in a guest, as data; compared with what was observed. Pure. */
import { Difference, differencesOf, key, Recorded } from "./contract";
import { RECORDED, SECTIONS } from "./guestItems";
import { KernelDecision } from "./guestKernel";
import { GuestObservation } from "./guestObservation";
import { GuestSeen } from "./guestSeen";

/** What a guest that the lab made has to be; an installed one is its owner's. */
export interface OwnGuest {
  readonly hostname: string;
  readonly user: string;
  /** Supplementary groups of the user. */
  readonly groups: readonly string[];
  /** One line of `authorized_keys`: the only key that opens the guest. */
  readonly clientPublicKey: string;
  /** Virtual size of the root disk, which its file system has to fill. */
  readonly diskGiB: number;
  /** Packages that have to be installed. */
  readonly packages: readonly string[];
}

export interface GuestContract {
  /** Arguments of `session.sh install`. */
  readonly session: readonly string[];
  readonly share?: { readonly tag: string; readonly mount: string };
  /** Unset for an adopted guest: then the session and the share alone are the lab's. */
  readonly own?: OwnGuest;
  /** What GuestKernel has decided; null or unset: nothing. */
  readonly kernel?: KernelDecision | null;
}

/** A file as our script writes it. */
export interface WrittenFile {
  readonly path: string;
  readonly mode: string;
  /** One of these. */
  readonly sha256: readonly string[];
}

/** What our scripts of today write into this guest. */
export interface Written {
  readonly session: readonly WrittenFile[];
  readonly share: readonly WrittenFile[];
}

/** A script in the guest that puts something right. */
export interface GuestStep {
  readonly script: "heal.sh" | "session.sh" | "share.sh";
  readonly args: readonly string[];
  /** Text for its standard input. */
  readonly input?: string;
  /** A step that has to come after it. */
  readonly then?: GuestStep;
}

export type GuestDifference = Difference<GuestStep>;

/** Everything that is not as declared or, where the lab declares nothing, not as recorded. */
export function guestDifferences(
  contract: GuestContract,
  written: Written,
  recorded: Recorded,
  seen: GuestSeen,
): GuestDifference[] {
  const wanted = SECTIONS.flatMap((section) => section({ contract, written, recorded, seen }));
  return differencesOf(wanted, seen);
}

/** Files that are worth reading: they have other sizes or times than when they were last found sound. */
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

/** Signatures of files that were found as they have to be, so that they need not be read again. */
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

/** What an `up` that went well takes for right: values that no declaration names. */
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
  const told = { ...kept, ...(known ? { [initrd]: before[initrd] ?? "" } : {}) };
  const signatures = Object.fromEntries(
    [SIGNATURE, INITRD].flatMap((name) =>
      before[name] === undefined ? [] : [[name, before[name]]],
    ),
  );
  return { ...signatures, ...told, ...signaturesOf(observation, told) };
}

/** Reads what `session.sh describe` and `share.sh describe` print: mode, SHA-256, path. */
export function readWritten(text: string): WrittenFile[] {
  const found = new Map<string, WrittenFile>();
  for (const line of text.split("\n").filter((l) => l !== "")) {
    const [, mode, sha256, path] = /^([0-7]+) ([0-9a-f]{64}) (\/\S+)$/.exec(line) ?? [];
    if (mode === undefined || sha256 === undefined || path === undefined) {
      throw new Error(`found '${line}', required mode, SHA-256 and path of a written file`);
    }
    found.set(path, { path, mode, sha256: [...(found.get(path)?.sha256 ?? []), sha256] });
  }
  return [...found.values()];
}

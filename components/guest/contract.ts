/** What a lab relies on in a guest, as data. Pure. */
import { Difference } from "../../core/contract";
import { KernelDecision } from "./kernelDecision";

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

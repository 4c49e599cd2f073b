/** Types of a guest's contract: what the lab relies on in the guest. Pure. */
import { Difference } from "../../core/contract";
import { KernelDecision } from "./kernelDecision";

/** Requirements on a guest that the lab created; an adopted guest belongs to its owner. */
export interface OwnGuest {
  readonly hostname: string;
  readonly user: string;
  /** Supplementary groups of the user. */
  readonly groups: readonly string[];
  /** One line of `authorized_keys`: the only key that may log in. */
  readonly clientPublicKey: string;
  /** Virtual size of the root disk; the root file system has to fill it. */
  readonly diskGiB: number;
  /** Packages that have to be installed. */
  readonly packages: readonly string[];
}

export interface GuestContract {
  /** Arguments of `session.sh install`. */
  readonly session: readonly string[];
  readonly share?: { readonly tag: string; readonly mount: string };
  /** Unset for an adopted guest: there the lab manages only the session and the share. */
  readonly own?: OwnGuest;
  /** The decision of GuestKernel; null or unset: none. */
  readonly kernel?: KernelDecision | null;
}

/** A file as the lab's script writes it. */
export interface WrittenFile {
  readonly path: string;
  readonly mode: string;
  /** The accepted digests. */
  readonly sha256: readonly string[];
}

/** The files that this checkout's scripts write into the guest. */
export interface Written {
  readonly session: readonly WrittenFile[];
  readonly share: readonly WrittenFile[];
}

/** A script in the guest that repairs a difference. */
export interface GuestStep {
  readonly script: "heal.sh" | "session.sh" | "share.sh";
  readonly args: readonly string[];
  /** Text for its standard input. */
  readonly input?: string;
  /** A step that has to run after this one. */
  readonly then?: GuestStep;
}

export type GuestDifference = Difference<GuestStep>;

/** Parses the output of `session.sh describe` and `share.sh describe`: mode, SHA-256, path. */
export function readWritten(text: string): WrittenFile[] {
  const found = new Map<string, WrittenFile>();
  for (const line of text.split("\n").filter((l) => l !== "")) {
    const [, mode, sha256, path] = /^([0-7]+) ([0-9a-f]{64}) (\/\S+)$/.exec(line) ?? [];
    if (mode === undefined || sha256 === undefined || path === undefined) {
      throw new Error(`describe: found '${line}'; need mode, SHA-256 and path of a written file`);
    }
    found.set(path, { path, mode, sha256: [...(found.get(path)?.sha256 ?? []), sha256] });
  }
  return [...found.values()];
}

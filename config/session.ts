/** What each kind of session needs in the guest. Pure data. */
import { GuestConfig } from "./schema";

/**
 * Least memory of a guest with Lomiri, MiB: the smallest value that was tested, and the value of
 * NixOS' Lomiri tests. Measured at 3072: after the first frame the whole guest used 518, plus 400
 * of page cache (docs/lomiri.md).
 */
export const LOMIRI_MEMORY_MIB = 2048;

/** Debian packages of each kind, in addition to those of every guest. */
const SESSION_PACKAGES: Record<GuestConfig["session"]["kind"], readonly string[]> = {
  demo: [],
  lomiri: ["lomiri-desktop-session"],
};

/** The given packages and those of the session, each once. */
export function withSessionPackages(
  packages: readonly string[],
  { kind }: GuestConfig["session"],
): string[] {
  return [...new Set([...packages, ...SESSION_PACKAGES[kind]])];
}

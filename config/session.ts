/** What a kind of session needs of its guest. Pure data. */
import { GuestConfig } from "./schema";

/**
 * Least memory of a guest with Lomiri, MiB: the smallest that was tried, and what NixOS gives its
 * own Lomiri tests. Measured at 3072: 518 used by the whole guest after the first frame, 400 of page
 * cache (docs/lomiri.md).
 */
export const LOMIRI_MEMORY_MIB = 2048;

/** Debian's packages of each kind, above what every guest gets. */
const SESSION_PACKAGES: Record<GuestConfig["session"]["kind"], readonly string[]> = {
  demo: [],
  lomiri: ["lomiri-desktop-session"],
};

/** What the session of a guest needs on top of packages that are there or asked for: no doubles. */
export function withSessionPackages(
  packages: readonly string[],
  { kind }: GuestConfig["session"],
): string[] {
  return [...new Set([...packages, ...SESSION_PACKAGES[kind]])];
}

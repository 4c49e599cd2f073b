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

/** Options of Mir that a configuration chooses, by key; a default is none. */
export function chosenOptions(
  session: GuestConfig["session"],
): Partial<Record<"platform" | "rendering" | "cursor", string>> {
  const { platform, rendering, cursor } = session;
  return {
    ...(platform === "gbm-kms" ? {} : { platform }),
    ...(rendering === "auto" ? {} : { rendering }),
    ...(cursor === "hardware" ? {} : { cursor }),
  };
}

/** Command line options of mir_demo_server; empty: those that session.sh has by itself. */
export function mirOptions(session: GuestConfig["session"]): string[] {
  if (Object.keys(chosenOptions(session)).length === 0) return [];
  const { platform, rendering, cursor } = session;
  return [
    ...(platform === "auto" ? [] : [`--platform-display-libs=mir:${platform}`]),
    ...(rendering === "auto" ? [] : [`--platform-rendering-libs=mir:${rendering}`]),
    ...["--console-provider=vt", "--vt=1"],
    ...(cursor === "hardware" ? [] : ["--cursor=software"]),
  ];
}

/** The given packages and those of the session, each once. */
export function withSessionPackages(
  packages: readonly string[],
  { kind, platform }: GuestConfig["session"],
): string[] {
  const own = platform === "atomic-kms" ? ["mir-platform-graphics-atomic-kms"] : [];
  return [...new Set([...packages, ...SESSION_PACKAGES[kind], ...own])];
}

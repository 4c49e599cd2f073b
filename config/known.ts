/**
 * Combinations that are known to be bad, with the date and source of the knowledge. Doctor and `up` name those that a
 * declaration alone shows, a check of the guest those that it runs. A row only warns: a distribution may have
 * backported the fix. Pure data and its lookup.
 */
import * as semver from "semver";
import { upstreamVersion } from "../core/requirement";
import { GuestConfig } from "./schema";

/** Versions with a fault: `from` up to, but not including, `before`. */
export interface BadRange {
  readonly what: string;
  readonly from: string;
  readonly before: string;
  /** The fault only affects guests with a share. */
  readonly share: boolean;
  readonly remedy: string;
  readonly known: string;
  readonly source: string;
}

/** Upstream Linux. */
export const BAD_KERNELS: readonly BadRange[] = [
  {
    what: "9p mixes up inodes: a file that was just made is not found",
    from: "6.9.0",
    // Fixed in 6.12-rc5; the version check cannot distinguish release candidates.
    before: "6.12.0",
    share: true,
    remedy: "boot a kernel of 6.12 or newer, or one older than 6.9",
    known: "2024-10-30",
    source: "https://github.com/torvalds/linux/commit/be2ca38",
  },
];

export function badKernels(release: string, shared: boolean): readonly BadRange[] {
  const version = upstreamVersion(release);
  if (version === undefined) return [];
  return BAD_KERNELS.filter(
    (row) =>
      (shared || !row.share) && semver.gte(version, row.from) && semver.lt(version, row.before),
  );
}

/** The version in the name of the declared kernel's package or source, e.g. `6.10.3`; undefined: it names none. */
export function declaredKernel({ kernel }: GuestConfig): string | undefined {
  const { package: debian, build } = kernel;
  const names = [debian?.name, debian?.deb, build?.source.package, build?.source.url];
  const named = names.map(
    (name) => /\blinux-(?:image-|source-)?(\d+\.\d+(?:\.\d+)?)[^/]*$/.exec(name ?? "")?.[1],
  );
  return named.find((version) => version !== undefined);
}

export interface KnownBad {
  /** Key of the guest. */
  readonly key: string;
  readonly found: string;
  readonly need: string;
  readonly fix: string;
}

/** What is known to be bad about a guest before it is made. */
export function knownBad(guest: GuestConfig): KnownBad[] {
  const kernel = declaredKernel(guest);
  return badKernels(kernel ?? "", guest.share.enabled).map((row) => ({
    key: "kernel",
    found: `Linux ${kernel}, in which ${row.what} (${row.source})`,
    need: `a kernel before ${row.from}, or of ${row.before} and later`,
    fix: `${row.remedy}${row.share ? ", or set guests[].share.enabled to false" : ""}`,
  }));
}

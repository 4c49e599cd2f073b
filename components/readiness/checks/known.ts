/**
 * Known faults and rules by version. Each row has the date and source of the knowledge. A row only
 * explains: where a capability can be tested, the test decides.
 */
import * as semver from "semver";
import { upstreamVersion } from "../../../core/requirement";

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

/** Upstream Linux. A distribution may have backported the fix, so a match is only a warning. */
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

/** A platform module that Mir needs since a version. */
export interface MirRule {
  readonly from: string;
  /** The rule only applies to software rendering. */
  readonly software: boolean;
  /** Start of the module's file name. */
  readonly module: string;
  readonly remedy: string;
  readonly known: string;
  readonly source: string;
}

export const MIR_RULES: readonly MirRule[] = [
  {
    from: "2.12.0",
    software: false,
    module: "graphics-gbm-kms.so.",
    remedy: "install mir-platform-graphics-gbm-kms in the guest",
    known: "2026-11-25",
    source: "Mir 2.12.1 of Debian 12 on QXL",
  },
  {
    // The gbm-kms platform refuses to render on llvmpipe; egl-generic renders for it.
    from: "2.16.0",
    software: true,
    module: "renderer-egl-generic.so.",
    remedy: "install mir-platform-rendering-egl-generic in the guest",
    known: "2026-11-25",
    source: "https://github.com/canonical/mir/pull/3095",
  },
];

/** The modules that this Mir needs and that are not installed. */
export function missingModules(
  version: string,
  software: boolean,
  modules: readonly string[],
): readonly MirRule[] {
  return MIR_RULES.filter(
    (rule) =>
      semver.gte(version, rule.from) &&
      (software || !rule.software) &&
      !modules.some((name) => name.startsWith(rule.module)),
  );
}

/** Faults of Mir's test harness itself: such a failure says nothing about the platform. */
export const HARNESS_FAULTS: readonly {
  readonly says: string;
  readonly means: string;
  readonly known: string;
}[] = [
  {
    // Measured with Debian 12's Mir 2.12.1 and its own graphics-gbm-kms.so.20, which exports
    // probe_display_platform and probe_rendering_platform instead.
    says: "undefined symbol: probe_graphics_platform",
    means: "this Mir's harness asks for an entry point that its platform modules no longer have",
    known: "2026-11-25",
  },
];

/** Prefixes of Mesa's renderer names, software and hardware; older Mesas add `Gallium 0.4 on`. */
const SOFTWARE = /^(?:Gallium 0\.4 on )?(?:llvmpipe|softpipe)\b/;
const HARDWARE = /^(?:Gallium 0\.4 on )?(?:virgl|zink|SVGA3D|AMD|NV|Mesa (?:DRI )?Intel|Intel)/;

export const isSoftware = (renderer: string): boolean => SOFTWARE.test(renderer);
export const isKnownRenderer = (renderer: string): boolean =>
  SOFTWARE.test(renderer) || HARDWARE.test(renderer);

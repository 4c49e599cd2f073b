/**
 * Known rules and faults of Mir by version; config/known.ts has those of Linux. Each row has the date and source of
 * the knowledge. A row only explains: where a capability can be tested, the test decides.
 */
import * as semver from "semver";

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

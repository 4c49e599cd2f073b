/** Software of a guest that may come from elsewhere than its distribution: kernel or Mesa. Pure. */
import { createHash } from "node:crypto";
import { SoftwarePackage } from "../../config/softwareRules";
import { buildIdentity, BuildOrder } from "./build";
import { meets, parseRequirement } from "../../core/requirement";

/** `guests[].kernel` and `guests[].mesa`, validated, with what a build is declared by. */
export interface SoftwareConfig {
  readonly source: "distro" | "package" | "build";
  readonly when: "unmet" | "always" | "never";
  readonly package?: SoftwarePackage | undefined;
  readonly build?: BuildOrder | undefined;
}

/** Where the software comes from, with every default filled in. */
export type Origin =
  | { readonly kind: "suite"; readonly suite: string; readonly name: string }
  | { readonly kind: "deb"; readonly deb: string; readonly sha256: string }
  | { readonly kind: "build"; readonly order: BuildOrder };

/** `fallback`: what is taken of a suite when the configuration names no package. */
export function originOf(
  { source, package: given, build }: SoftwareConfig,
  fallback: string,
): Origin | undefined {
  if (source === "build") return build === undefined ? undefined : { kind: "build", order: build };
  if (source === "distro" || given === undefined) return undefined;
  const { suite, name = fallback, deb, sha256 } = given;
  if (suite !== undefined) return { kind: "suite", suite, name };
  if (deb !== undefined && sha256 !== undefined) return { kind: "deb", deb, sha256 };
  return undefined;
}

/** What makes one origin another: a file by its content, wherever it lies. */
export function identityOf(origin: Origin): string {
  if (origin.kind === "build") return buildIdentity(origin.order);
  const what =
    origin.kind === "deb" ? ["deb", origin.sha256] : ["suite", origin.suite, origin.name];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

/**
 * Whether the distribution's own is not to be used, and why: by what is declared and by the
 * distribution's version, never by what happens to run. So it converges from everywhere.
 */
export function otherIsWanted(
  software: "kernel" | "mesa",
  config: SoftwareConfig,
  gate: string,
  distro: string | undefined,
): { readonly wanted: boolean; readonly why: string } {
  if (config.source === "distro") return { wanted: false, why: `${software}.source is 'distro'` };
  if (config.when === "always") return { wanted: true, why: `${software}.when is 'always'` };
  const required = parseRequirement(gate);
  const isMet = distro !== undefined && required !== undefined && meets(distro, required);
  const found = distro ?? "of the distribution (none is left)";
  const why = `${software} ${found} ${isMet ? "meets" : "does not meet"} ${gate}`;
  return { wanted: !isMet, why };
}

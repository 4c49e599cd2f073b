/** A part of a guest that may come from elsewhere than its distribution: kernel or Mesa. Pure. */
import { createHash } from "node:crypto";
import { meets, parseRequirement } from "./requirement";

/** `guests[].kernel` and `guests[].mesa`, validated. */
export interface PartConfig {
  readonly source: "distro" | "package";
  readonly when: "unmet" | "always" | "never";
  readonly package?: PartPackage | undefined;
}

export interface PartPackage {
  readonly suite?: string | undefined;
  readonly name?: string | undefined;
  readonly deb?: string | undefined;
  readonly sha256?: string | undefined;
}

/** Where a part comes from, with every default filled in. */
export type Origin =
  | { readonly kind: "suite"; readonly suite: string; readonly name: string }
  | { readonly kind: "deb"; readonly deb: string; readonly sha256: string };

/** `fallback`: what is taken of a suite when the configuration names no package. */
export function originOf(
  { source, package: given }: PartConfig,
  fallback: string,
): Origin | undefined {
  if (source === "distro" || given === undefined) return undefined;
  const { suite, name = fallback, deb, sha256 } = given;
  if (suite !== undefined) return { kind: "suite", suite, name };
  if (deb !== undefined && sha256 !== undefined) return { kind: "deb", deb, sha256 };
  return undefined;
}

/** What makes one origin another: a file by its content, wherever it lies. */
export function identityOf(origin: Origin): string {
  const what =
    origin.kind === "deb" ? ["deb", origin.sha256] : ["suite", origin.suite, origin.name];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

/** Keys that do not belong together; paths are below the part's own key. */
export function partFaults({ source, package: given }: PartConfig): [string, string][] {
  if (source === "distro") {
    const fault = "belongs to source 'package', got source 'distro'; remove one of the two";
    return given === undefined ? [] : [["package", fault]];
  }
  if (given === undefined) return [["package", "missing; source 'package' needs a suite or a deb"]];
  const { suite, name, deb, sha256 } = given;
  return [
    ...((suite === undefined) === (deb === undefined)
      ? [["package", "set one of suite and deb"] as [string, string]]
      : []),
    ...(deb !== undefined && sha256 === undefined
      ? [["package.sha256", "missing; a deb is used with its digest only"] as [string, string]]
      : []),
    ...(deb === undefined && sha256 !== undefined
      ? [
          ["package.sha256", "belongs to package.deb; a suite is verified by apt"] as [
            string,
            string,
          ],
        ]
      : []),
    ...(deb !== undefined && name !== undefined
      ? [["package.name", "belongs to package.suite; a deb names itself"] as [string, string]]
      : []),
  ];
}

/**
 * Whether the distribution's own is not to be used, and why: by what is declared and by the
 * distribution's version, never by what happens to run. So it converges from everywhere.
 */
export function otherIsWanted(
  part: "kernel" | "mesa",
  config: PartConfig,
  gate: string,
  distro: string | undefined,
): { readonly wanted: boolean; readonly why: string } {
  if (config.source === "distro") return { wanted: false, why: `${part}.source is 'distro'` };
  if (config.when === "always") return { wanted: true, why: `${part}.when is 'always'` };
  const required = parseRequirement(gate);
  const isMet = distro !== undefined && required !== undefined && meets(distro, required);
  const found = distro ?? "of the distribution (none is left)";
  const why = `${part} ${found} ${isMet ? "meets" : "does not meet"} ${gate}`;
  return { wanted: !isMet, why };
}

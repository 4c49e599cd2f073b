/** A part of a guest that may come from elsewhere than its distribution: kernel or Mesa. Pure. */
import { createHash } from "node:crypto";
import { BuildSource } from "./buildSchema";
import { buildIdentity, BuildOrder, sourceFaults } from "./guestBuild";
import { meets, parseRequirement } from "./requirement";

/** `guests[].kernel` and `guests[].mesa`, validated, with what a build is declared by. */
export interface PartConfig {
  readonly source: "distro" | "package" | "build";
  readonly when: "unmet" | "always" | "never";
  readonly package?: PartPackage | undefined;
  readonly build?: BuildOrder | undefined;
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
  | { readonly kind: "deb"; readonly deb: string; readonly sha256: string }
  | { readonly kind: "build"; readonly order: BuildOrder };

/** `fallback`: what is taken of a suite when the configuration names no package. */
export function originOf(
  { source, package: given, build }: PartConfig,
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

type Declared = Pick<PartConfig, "source" | "package"> & {
  readonly build?: { readonly source: BuildSource } | undefined;
};

/** Keys that do not belong together; paths are below the part's own key. */
export function partFaults(declared: Declared): [string, string][] {
  const { source } = declared;
  const foreign = (["package", "build"] as const)
    .filter((key) => declared[key] !== undefined && source !== key)
    .map((key): [string, string] => [
      key,
      `belongs to source '${key}', got source '${source}'; remove one of the two`,
    ]);
  const own =
    source === "package"
      ? packageFaults(declared.package)
      : source === "build"
        ? buildFaults(declared.build)
        : [];
  return [...foreign, ...own];
}

function buildFaults(build: Declared["build"]): [string, string][] {
  if (build === undefined) return [["build", "missing; source 'build' needs a source"]];
  return sourceFaults(build.source).map(([key, fault]) => [
    `build.source${key === "" ? "" : `.${key}`}`,
    fault,
  ]);
}

function packageFaults(given: PartPackage | undefined): [string, string][] {
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

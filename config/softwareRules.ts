/** Finds conflicting keys of `guests[].kernel` and `guests[].mesa`. Pure. */
import { BuildSource } from "./buildSchema";

export interface SoftwarePackage {
  readonly suite?: string | undefined;
  readonly name?: string | undefined;
  readonly deb?: string | undefined;
  readonly sha256?: string | undefined;
}

type Fault = readonly [string, string];

const PARTNERS = { package: "suite", url: "sha256", git: "commit" } as const;

/** Conflicting keys of a source; paths are relative to `build.source`. */
export function sourceFaults(source: BuildSource): Fault[] {
  const kinds = (Object.keys(PARTNERS) as (keyof typeof PARTNERS)[]).filter(
    (kind) => source[kind] !== undefined,
  );
  const faults = Object.entries(PARTNERS).flatMap(([kind, partner]): Fault[] => {
    const [is, has] = [source[kind as "package"] !== undefined, source[partner] !== undefined];
    if (is === has) return [];
    return is
      ? [[partner, `missing; source.${kind} needs it`] as const]
      : [[partner, `found the key without source.${kind}; need both or neither`] as const];
  });
  const count = `found ${kinds.length} of package, url and git; need exactly one`;
  return kinds.length === 1 ? faults : [["", count], ...faults];
}

interface Declared {
  readonly source: "distro" | "package" | "build";
  readonly package?: SoftwarePackage | undefined;
  readonly build?: { readonly source: BuildSource } | undefined;
}

/** Conflicting keys; paths are relative to the software's own key. */
export function softwareFaults(declared: Declared): [string, string][] {
  const { source } = declared;
  const foreign = (["package", "build"] as const)
    .filter((key) => declared[key] !== undefined && source !== key)
    .map((key): [string, string] => [
      key,
      `found the key with source '${source}'; need source '${key}'; fix: remove the key, or change source`,
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
  if (build === undefined) return [["build", "missing; source 'build' needs it"]];
  return sourceFaults(build.source).map(([key, fault]) => [
    `build.source${key === "" ? "" : `.${key}`}`,
    fault,
  ]);
}

function packageFaults(given: SoftwarePackage | undefined): [string, string][] {
  if (given === undefined) return [["package", "missing; source 'package' needs a suite or a deb"]];
  const { suite, name, deb, sha256 } = given;
  return [
    ...((suite === undefined) === (deb === undefined)
      ? [
          [
            "package",
            `found ${suite === undefined ? "neither" : "both"} of suite and deb; need exactly one`,
          ] as [string, string],
        ]
      : []),
    ...(deb !== undefined && sha256 === undefined
      ? [["package.sha256", "missing; package.deb needs its digest"] as [string, string]]
      : []),
    ...(deb === undefined && sha256 !== undefined
      ? [
          [
            "package.sha256",
            "found the key without package.deb; need it only for a deb: apt verifies a suite",
          ] as [string, string],
        ]
      : []),
    ...(deb !== undefined && name !== undefined
      ? [
          [
            "package.name",
            "found the key with package.deb; need it only for a suite: a deb contains its name",
          ] as [string, string],
        ]
      : []),
  ];
}

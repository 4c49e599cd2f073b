/** Keys of `guests[].kernel` and `guests[].mesa` that do not belong together. Pure. */
import { BuildSource } from "./buildSchema";

export interface SoftwarePackage {
  readonly suite?: string | undefined;
  readonly name?: string | undefined;
  readonly deb?: string | undefined;
  readonly sha256?: string | undefined;
}

type Fault = readonly [string, string];

const PARTNERS = { package: "suite", url: "sha256", git: "commit" } as const;

/** Keys of a source that do not belong together; paths are below `build.source`. */
export function sourceFaults(source: BuildSource): Fault[] {
  const kinds = (Object.keys(PARTNERS) as (keyof typeof PARTNERS)[]).filter(
    (kind) => source[kind] !== undefined,
  );
  const faults = Object.entries(PARTNERS).flatMap(([kind, partner]): Fault[] => {
    const [is, has] = [source[kind as "package"] !== undefined, source[partner] !== undefined];
    if (is === has) return [];
    return is
      ? [[partner, `missing; a source by ${kind} is used with it only`] as const]
      : [[partner, `belongs to source.${kind}; set both or neither`] as const];
  });
  return kinds.length === 1 ? faults : [["", "set one of package, url and git"], ...faults];
}

interface Declared {
  readonly source: "distro" | "package" | "build";
  readonly package?: SoftwarePackage | undefined;
  readonly build?: { readonly source: BuildSource } | undefined;
}

/** Keys that do not belong together; paths are below the software's own key. */
export function softwareFaults(declared: Declared): [string, string][] {
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

function packageFaults(given: SoftwarePackage | undefined): [string, string][] {
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

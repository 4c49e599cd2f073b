/** Guest software that may come from another source than the distribution: kernel or Mesa. Pure. */
import { createHash } from "node:crypto";
import { VideoModel } from "../../config/video";
import { SoftwarePackage } from "../../config/softwareRules";
import { GuestBootInputs } from "../guest/boot";
import { buildIdentity, BuildOrder, BuildPlace } from "./build";
import { GateRequirements, meets, parseRequirement } from "../../core/requirement";

export type Software = "kernel" | "mesa";

/** `guests[].kernel` or `guests[].mesa`, validated, with the content of the build's files. */
export interface SoftwareConfig {
  readonly source: "distro" | "package" | "build";
  readonly when: "unmet" | "always" | "never";
  readonly package?: SoftwarePackage | undefined;
  readonly build?: BuildOrder | undefined;
}

export interface SoftwareInputs extends Omit<GuestBootInputs, "adopted"> {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly config: SoftwareConfig;
  readonly gates: GateRequirements;
  /** The guest has a share: its kernel needs 9p. */
  readonly share: boolean;
  /** The guest's card. @default qxl */
  readonly video?: VideoModel;
  /** What `up` does when somebody else changed the guest. */
  readonly onDrift: "heal" | "report";
  /** Where the host prepares and stores builds; set if the configuration has a build. */
  readonly place?: BuildPlace;
}

export interface SoftwareProps<Facts> extends SoftwareInputs {
  /** `unreachable`: the facts are the last known ones. */
  readonly status: "as decided" | "to do" | "unreachable";
  readonly facts: Facts;
}

/** Only the declared inputs: the engine adds `__provider`, and props add outputs. */
export function pickSoftware(i: SoftwareInputs): SoftwareInputs {
  const { guest, domain, bootId, acceleration, serialLog, name, config, gates, share, onDrift } = i;
  return {
    ...{ guest, domain, bootId, acceleration, serialLog, name, config, gates, share, onDrift },
    ...(i.host === undefined ? {} : { host: i.host }),
    ...(i.place === undefined ? {} : { place: i.place }),
    ...(i.video === undefined ? {} : { video: i.video }),
  };
}

/** The source of the software, with all defaults filled in. */
export type Origin =
  | { readonly kind: "suite"; readonly suite: string; readonly name: string }
  | { readonly kind: "deb"; readonly deb: string; readonly sha256: string }
  | { readonly kind: "build"; readonly order: BuildOrder };

/** `fallback`: the package to take from a suite when the configuration names none. */
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

/** Identifies an origin; a file by its content, not by its path. */
export function identityOf(origin: Origin): string {
  if (origin.kind === "build") return buildIdentity(origin.order);
  const what =
    origin.kind === "deb" ? ["deb", origin.sha256] : ["suite", origin.suite, origin.name];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

/**
 * Whether to use other software than the distribution's, and why. Depends only on the configuration
 * and the distribution's version, never on what runs, so it converges from every state.
 */
export function otherIsWanted(
  software: "kernel" | "mesa",
  config: SoftwareConfig,
  gate: string,
  distro: string | undefined,
): { readonly wanted: boolean; readonly why: string } {
  if (config.source === "distro") return { wanted: false, why: `${software}.source is 'distro'` };
  if (config.when === "always") return { wanted: true, why: `${software}.when is 'always'` };
  const needed = parseRequirement(gate);
  const isMet = distro !== undefined && needed !== undefined && meets(distro, needed);
  const found = distro ?? "of the distribution (none is installed)";
  const why = `${software} ${found} ${isMet ? "meets" : "does not meet"} ${gate}`;
  return { wanted: !isMet, why };
}

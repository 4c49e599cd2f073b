/** Parses and compares the gates' version requirements, e.g. `>= 3.18`. Pure. */
import * as semver from "semver";

/** A gate's requirement: the found version must be at least `floor` (three numbers). */
export interface Requirement {
  readonly text: string;
  readonly floor: string;
}

const FORM = /^ *(?:>= *)?(\d{1,5}(?:\.\d{1,5}){1,2}) *$/;

/** Reads `>= 3.18`, `>=3.18.0` or `3.18`; undefined for anything else. */
export function parseRequirement(text: string): Requirement | undefined {
  const match = FORM.exec(text);
  const version = match?.[1];
  if (version === undefined) return undefined;
  const floor = upstreamVersion(version);
  return floor === undefined ? undefined : { text: `>= ${version}`, floor };
}

function floorOf(text: string): Requirement {
  const parsed = parseRequirement(text);
  if (parsed === undefined) throw new Error(`not a requirement: ${text}`);
  return parsed;
}

/** The 2014 page's lowest versions: dma-buf and crtc handling in QXL; kms_swrast in Mesa. */
export const PAGE_FLOORS = { kernel: floorOf(">= 3.18"), mesa: floorOf(">= 10.3.0") } as const;

/** The configured requirements, e.g. `{ kernel: ">= 6.1", mesa: ">= 10.3.0" }`. */
export interface GateRequirements {
  readonly kernel: string;
  readonly mesa: string;
}

/** Why a requirement is refused (malformed, or below the page's floor); undefined: accepted. */
export function gateFault(text: string, floor: Requirement): string | undefined {
  const wanted = parseRequirement(text);
  if (wanted === undefined) {
    return `'${text.slice(0, 40)}' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '${floor.text}'`;
  }
  return semver.lt(wanted.floor, floor.floor)
    ? `'${wanted.text}' is below the page's floor '${floor.text}'; raise it or drop the key`
    : undefined;
}

/**
 * The upstream version in a kernel release or Debian package version, as three numbers.
 *
 * Accepts `6.1.0-49-amd64`, `22.3.6-1+deb12u1`, `1:2.12.1-1`, `4.0.0-rc1+`. Drops pre-release
 * marks: a 10.3.0-devel has 10.3.0's interfaces or fails a capability check. Undefined when the
 * text does not start with a version: an unknown version is not version 0.
 */
export function upstreamVersion(text: string): string | undefined {
  const bare = text.trim().replace(/^\d+:/, "");
  const numbers = /^(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?!\d)/.exec(bare);
  if (numbers === null) return undefined;
  return numbers
    .slice(1)
    .map((part) => Number(part ?? 0))
    .join(".");
}

/** Whether `found` (any form that upstreamVersion reads) meets the requirement. */
export function meets(found: string, requirement: Requirement): boolean {
  const version = upstreamVersion(found);
  return version !== undefined && semver.gte(version, requirement.floor);
}

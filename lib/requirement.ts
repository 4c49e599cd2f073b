/** Version requirements of the gates: `>= 3.18`, read and compared. Pure. */
import * as semver from "semver";

/** What a gate asks for: the found version must be at least `floor` (three numbers). */
export interface Requirement {
  readonly text: string;
  readonly floor: string;
}

const FORM = /^(?:>=\s*)?(\d{1,5}(?:\.\d{1,5}){1,2})$/;

/** Reads `>= 3.18`, `>=3.18.0` or `3.18`; undefined for anything else. */
export function parseRequirement(text: string): Requirement | undefined {
  const match = FORM.exec(text.trim());
  const version = match?.[1];
  if (version === undefined) return undefined;
  const floor = semver.coerce(version)?.version;
  return floor === undefined ? undefined : { text: `>= ${version}`, floor };
}

/** Why a requirement cannot be used, or undefined. */
export function requirementFault(text: string): string | undefined {
  return parseRequirement(text) === undefined
    ? `'${text.slice(0, 40)}' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 3.18'`
    : undefined;
}

/**
 * The upstream version in a kernel release or Debian package version, as three numbers.
 *
 * `6.1.0-49-amd64`, `22.3.6-1+deb12u1`, `1:2.12.1-1`, `4.0.0-rc1+` all occur. Pre-release marks are
 * dropped: a 10.3.0-devel has 10.3.0's interfaces or fails a capability check. Undefined when the
 * text does not start with a version: unknown is not zero.
 */
export function upstreamVersion(text: string): string | undefined {
  const bare = text.trim().replace(/^\d+:/, "");
  if (!/^\d+\.\d+/.test(bare)) return undefined;
  return semver.coerce(bare)?.version;
}

/** Whether `found` (any form that upstreamVersion reads) meets the requirement. */
export function meets(found: string, requirement: Requirement): boolean {
  const version = upstreamVersion(found);
  return version !== undefined && semver.gte(version, requirement.floor);
}

/** Whether `requirement` asks for less than `floor` does. */
export function isBelow(requirement: Requirement, floor: Requirement): boolean {
  return semver.lt(requirement.floor, floor.floor);
}

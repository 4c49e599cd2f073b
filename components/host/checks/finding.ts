/** A check of the host, and its findings. Pure. */
import { faultText } from "../../../core/fault";
import { HostFacts } from "../facts";
import { Lab } from "../../../config/schema";
import { guestNamed } from "../../../core/labNames";

/** In the order of the report. */
export const GROUPS = [
  "config",
  "machine",
  "kvm",
  "libvirt",
  "folders",
  "ports",
  "security",
] as const;

/**
 * `fail`: `up` refuses to start. `warn`: works, with limitations. `info`: a note, also of what `up`
 * repairs by itself.
 */
export const SEVERITIES = ["ok", "info", "warn", "fail"] as const;

export interface Finding {
  readonly id: string;
  readonly group: (typeof GROUPS)[number];
  readonly severity: (typeof SEVERITIES)[number];
  /** Configuration key to blame, when there is one. */
  readonly path?: string;
  readonly found: string;
  readonly required: string;
  /** A command to paste, wherever there is one. */
  readonly fix: string;
  /** `up` repairs it. Unset: it does not, or nothing is wrong. */
  readonly upRepairs?: true;
}

export type Judged = Omit<Finding, "id" | "group">;

/** One check, with one finding for each subject, e.g. each port. */
export interface HostCheck {
  readonly id: string;
  readonly group: Finding["group"];
  /** No finding where facts are missing: the doctor collects more of them than a preview. */
  readonly judge: (facts: HostFacts, lab: Lab, stack: string) => readonly Judged[];
}

/** Name of the domain of a guest. */
export function domainName(guest: Lab["guests"][number], stack: string): string {
  return guest.image.source === "existing" ? guest.image.domain : guestNamed(stack, guest.name);
}

/** `memory: found 900 MiB available; need 2048 MiB ...; fix: lower guests[].memoryMiB ...` */
export function findingText(f: Finding): string {
  return f.severity === "ok" || f.severity === "info"
    ? `${f.id}: ${f.found}`
    : faultText({ what: f.id, found: f.found, need: f.required, fix: f.fix });
}

/** Reads what scripts/host/domain-observe.sh printed. Pure. */
import { domainFactsOf, Facts } from "./facts";

/** Everything that libvirt knows of one domain. */
export interface DomainObservation {
  readonly uuid: string;
  readonly name: string;
  /** As `virsh domstate` says, e.g. `running`, `shut off`, `paused`, `crashed`. */
  readonly state: string;
  /** e.g. `booted`, `user`, `I/O error`; empty when libvirt names none. */
  readonly reason: string;
  readonly autostart: boolean;
  /** A saved state exists: the next start resumes it, with its old hardware. */
  readonly managedSave: boolean;
  readonly persistent: boolean;
  readonly snapshots: number;
  /** Versions of libvirt and the hypervisor: others may spell a definition differently. */
  readonly version: string;
  /** The persistent definition. */
  readonly inactiveXml: string;
  /** The live definition; undefined when the domain does not run. */
  readonly liveXml: string | undefined;
  /** The lab's ticket for its screen. */
  readonly ticket?: string;
}

/** The observed domain; undefined when libvirt does not have it. Throws on an incomplete answer. */
export function readObservation(
  answer: string,
  mark: string,
  domain: string,
): DomainObservation | undefined {
  const parts = new Map<string, string>();
  for (const part of answer.split(`${mark}:`).slice(1)) {
    const [, name = "", text = ""] = /^([a-z]+):([^]*)$/.exec(part) ?? [];
    parts.set(name, text.trim());
  }
  const part = (name: string): string => {
    const text = parts.get(name);
    if (text === undefined) {
      throw new Error(`domain ${domain}: found no '${name}' in libvirt's answer; need all parts`);
    }
    return text;
  };
  const listed = part("list")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const own = listed.find(([uuid, name]) => uuid === domain || name === domain);
  if (own === undefined) return undefined;
  const info = Object.fromEntries(
    part("info")
      .split("\n")
      .map((line) => {
        const [key = "", ...value] = line.split(":");
        return [key.trim(), value.join(":").trim()];
      }),
  );
  const xml = part("persistent");
  if (xml === "") {
    throw new Error(
      `domain ${domain}: found no definition, as something removed the domain meanwhile; ` +
        `need one; fix: run the command again`,
    );
  }
  const state = /^(.*?)(?: \((.*)\))?$/.exec(part("state"));
  return {
    uuid: own[0] ?? "",
    name: own[1] ?? "",
    state: state?.[1] ?? "",
    reason: state?.[2] ?? "",
    autostart: info.Autostart === "enable",
    managedSave: info["Managed save"] === "yes",
    persistent: info.Persistent === "yes",
    snapshots: part("snapshots")
      .split("\n")
      .filter((line) => line !== "").length,
    version: part("version").split("\n").slice(-2).join("; "),
    inactiveXml: xml,
    liveXml: info.Id === "-" ? undefined : part("live"),
  };
}

/** The definitions as facts, with autostart and managed save, which libvirt keeps outside them. */
export function observedFacts(seen: DomainObservation): { persistent: Facts; live?: Facts } {
  const persistent = {
    ...domainFactsOf(seen.inactiveXml, seen.ticket),
    autostart: seen.autostart ? "enable" : "disable",
    "managed save": seen.managedSave ? "yes" : "no",
  };
  return seen.liveXml === undefined
    ? { persistent }
    : { persistent, live: domainFactsOf(seen.liveXml, seen.ticket) };
}

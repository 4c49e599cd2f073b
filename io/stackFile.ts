/** Reads a stack's configuration file without the engine, for the verbs that run before it. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ConfigFault, readLab } from "../lib/labConfig";
import { HostConfig, Lab } from "../lib/labSchema";
import { packagesFor } from "../lib/packages";

const PREFIX = "mirlab:";

function rawConfig(path: string): Record<string, unknown> {
  const file = parse(readFileSync(path, "utf8")) as { config?: Record<string, unknown> } | null;
  const entries = Object.entries(file?.config ?? {});
  return Object.fromEntries(
    entries.flatMap(([key, value]) =>
      key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), value]] : [],
    ),
  );
}

/** The lab that a stack's file declares, or its faults. Throws when the file cannot be read. */
export function labOfFile(path: string): { lab: Lab | undefined; faults: readonly ConfigFault[] } {
  return readLab(rawConfig(path));
}

/**
 * What bin/lab needs before the engine runs, a line each: the address of host.ssh (empty for this
 * machine), host.packages, the Debian packages of this machine's part, and host.dataDir.
 */
export function verbSettings(path: string): string {
  const host = hostOfFile(path);
  const part = host?.ssh === undefined ? "host" : "client";
  const packages = host === undefined ? "" : packagesFor(part).join(" ");
  return [host?.ssh?.host ?? "", host?.packages ?? "", packages, host?.dataDir ?? ""].join("\n");
}

function hostOfFile(path: string): HostConfig | undefined {
  try {
    return labOfFile(path).lab?.host;
  } catch {
    // The engine tells what is wrong with the file.
    return undefined;
  }
}

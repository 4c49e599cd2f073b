/** Reads a stack's configuration file without the engine, for verbs that run before it. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ConfigFault } from "./fault";
import { readLab } from "./lab";
import { Lab } from "./schema";

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

/** The lab in a stack's file, or the file's faults. Throws when the file cannot be read. */
export function labOfFile(path: string): { lab: Lab | undefined; faults: readonly ConfigFault[] } {
  return readLab(rawConfig(path));
}

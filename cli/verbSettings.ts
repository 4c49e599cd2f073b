/** What a verb needs of a stack's file before the engine runs. */
import { HostConfig } from "../config/schema";
import { labOfFile } from "../config/stackFile.io";
import { packagesFor } from "../components/host/packages";

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

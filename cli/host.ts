/** The lab host's own part of `up` and `down`: Debian packages and libvirtd of this machine. */
import { packageArgs, packagesFor } from "../components/host/packages";
import { hostAccess } from "../components/host/access.io";
import { HostConfig } from "../config/schema";
import { labOfFile } from "../config/stackFile.io";
import { run } from "../core/exec.io";
import { runOnHost } from "../core/link.io";
import { Refusal } from "./refusal";
import { holdTicket } from "./sudo";
import { confirm, runOrEnd, say } from "./terminal";

/** The host of a stack's file; undefined where the file has faults: the engine reports them all. */
export function hostOfFile(file: string): HostConfig | undefined {
  try {
    return labOfFile(file).lab?.host;
  } catch {
    return undefined;
  }
}

const packagesArgv = (
  verb: "missing" | "install",
  names: readonly string[],
  host: HostConfig | undefined,
): string[] => ["scripts/host/packages.sh", ...packageArgs(verb, names, host?.qemu)];

/** Debian packages that this machine lacks, of those that the lab needs here. */
async function missingPackages(host: HostConfig | undefined): Promise<string[]> {
  // host.packages: check. The program names what is missing, and fails.
  if (host?.packages !== "install") return [];
  const names = packagesFor(host.ssh === undefined ? "host" : "client");
  const asked = await run(packagesArgv("missing", names, host), { sharesSession: true });
  if (asked.code !== 0) throw new Refusal(asked.stderr.trim());
  return asked.stdout.toString().split("\n").filter(Boolean);
}

/** Installs what this machine lacks, after a question. The program does it on a remote host. */
export async function installPackages(
  host: HostConfig | undefined,
  yes: boolean | undefined,
): Promise<void> {
  const missing = await missingPackages(host);
  if (missing.length === 0) return;
  say("this machine lacks these Debian packages:");
  for (const name of missing) process.stderr.write(`  ${name}\n`);
  await confirm("install them with apt-get?", yes);
  await holdTicket();
  await runOrEnd(packagesArgv("install", missing, host), true);
}

/** Starts libvirtd on this machine where nothing else does. */
export async function startLibvirtd(): Promise<void> {
  await runOrEnd(["scripts/host/libvirtd.sh", "start"], true);
}

/** Milliseconds for a daemon's start on a slow host. */
const START_MS = 240_000;

/**
 * Starts libvirtd on a remote host where it does not run, and lets its user ask it again. Prints what stands in the
 * way; the engine fails on it.
 */
export async function startLibvirtdAt(host: HostConfig, lab: string): Promise<void> {
  const { target } = hostAccess(host, lab);
  const started = await runOnHost(target, "libvirtd.sh", ["start"], { timeoutMs: START_MS });
  if (started.code !== 0) process.stderr.write(started.stderr);
}

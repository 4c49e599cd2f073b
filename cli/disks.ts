/** What a verb says before disks are deleted. */
import { hostAccess } from "../components/host/access.io";
import { RecordedLab } from "../components/lab/recorded";
import { HostConfig } from "../config/schema";
import { runOnHost } from "../core/link.io";
import { shortened } from "../core/plainText";

const GIB = 1024 ** 3;

const written = (bytes: string, seconds: string): string =>
  bytes === "-"
    ? "no such file any more"
    : `${(Number(bytes) / GIB).toFixed(1)} GiB written, the last on ${new Date(Number(seconds) * 1000).toISOString().slice(0, 10)}`;

/**
 * One line for each disk of the given guests: the guest, the volume, and what it holds. A host that does
 * not answer leaves what it holds unknown.
 */
export async function diskLines(
  host: HostConfig | undefined,
  lab: RecordedLab,
  guests: readonly string[],
): Promise<string[]> {
  const disks = [...lab.disks].filter(([guest]) => guests.includes(guest));
  if (disks.length === 0) return [];
  const volumes = disks.map(([, { volume }]) => volume);
  const held = await contents(host, lab, volumes);
  return disks.map(([guest, { volume }], i) => `${guest}: ${volume}: ${held[i] ?? "unknown"}`);
}

async function contents(
  host: HostConfig | undefined,
  { name, poolPath }: RecordedLab,
  volumes: readonly string[],
): Promise<string[]> {
  const unknown = (reason: string) =>
    volumes.map(() => `how much it holds is unknown (${shortened(reason, 120)})`);
  if (host === undefined || name === undefined || poolPath === undefined)
    return unknown("its host is not known");
  try {
    const { target } = hostAccess(host, name);
    const files = volumes.map((volume) => `${poolPath}/${volume}`);
    const asked = await runOnHost(target, "disks.sh", files);
    if (asked.code !== 0) return unknown(asked.stderr.trim() || "no answer");
    return asked.stdout
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [, bytes = "-", seconds = "-"] = line.split("\t");
        return written(bytes, seconds);
      });
  } catch (error) {
    return unknown((error as Error).message);
  }
}

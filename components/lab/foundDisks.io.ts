/**
 * Root disks that guests of the lab have on the host while the state does not know them: it was lost, or a run was
 * killed before it was written.
 */
import { basename } from "node:path";
import { Lab } from "../../config/schema";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";
import { RecordedDisk } from "../image/rootDisk";
import { imageAt, RecordedLab } from "./recorded";
import { guestNamed } from "../../core/labNames";

/** What `qemu-img info` says of an overlay. */
interface OverlayInfo {
  readonly filename: string;
  readonly "full-backing-filename"?: string;
  readonly "backing-filename"?: string;
  readonly "backing-filename-format"?: string;
}

/** The disk that scripts/host/root-disk.sh prints; undefined: it is no overlay of an image. */
export function foundDisk(text: string): RecordedDisk | undefined {
  if (text.trim() === "") return undefined;
  const info = JSON.parse(text) as OverlayInfo;
  const path = info["full-backing-filename"] ?? info["backing-filename"];
  const image = imageAt(path, info["backing-filename-format"]);
  return image === undefined ? undefined : { volume: basename(info.filename), image, booted: true };
}

/** The recorded lab, with the disks that only the host knows. Asks the host only where there is such a guest. */
export async function withFoundDisks(
  host: Target,
  lab: Lab,
  where: { readonly name: string; readonly poolPath: string; readonly defined: readonly string[] },
  recorded: RecordedLab,
): Promise<RecordedLab> {
  const disks = new Map(recorded.disks);
  for (const { name: guest, image } of lab.guests) {
    const domain = guestNamed(where.name, guest);
    const known = recorded.disks.get(guest)?.booted === true || image.source === "existing";
    if (known || !where.defined.includes(domain)) continue;
    const asked = await runOnHost(host, "root-disk.sh", [domain, where.poolPath, guest]);
    if (asked.code !== 0) throw new Error(asked.stderr.trim());
    const disk = foundDisk(asked.stdout.toString());
    if (disk !== undefined) disks.set(guest, disk);
  }
  return { ...recorded, disks };
}

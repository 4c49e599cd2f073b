/** A guest's root disk: which volume it is, and which image it stands on. Pure. */

/** File name of a path without its extension, cut so that volume names stay readable. */
export function imageKey(path: string): string {
  return (path.split("/").at(-1) ?? path)
    .replace(/\.[a-z0-9]+$/, "")
    .replace(/^sha\d+-/, "")
    .slice(0, 12);
}

/** Backing file of a root disk. */
export interface BackingImage {
  /** Path on the host. */
  readonly path: string;
  readonly format: "qcow2" | "raw";
  /** `ALGORITHM:HEX` of an image by URL. */
  readonly digest?: string;
}

export interface RootDisk {
  /** Name of the volume in the lab's pool. */
  readonly volume: string;
  readonly image: BackingImage;
  /** A guest has booted from it: it stays as it is. */
  readonly kept: boolean;
  /** Kept on another image than the configuration and this version of the project describe. */
  readonly outdated: boolean;
}

/** A root disk as the last `up` left it. */
export interface RecordedDisk {
  readonly volume: string;
  readonly image: BackingImage;
  /** The guest's domain was created, so the disk holds what its user did. */
  readonly booted: boolean;
}

/** Volume of a guest's root disk; the second disk on one image has generation 2. */
function volumeName(guest: string, { path }: BackingImage, generation: number): string {
  return `${guest}-vm-${imageKey(path)}${generation > 1 ? `-${generation}` : ""}.qcow2`;
}

/** How many disks the guest had up to the one of this name. */
export const generationOf = (volume: string): number =>
  Number(/-vm-[^-]*-(\d+)\.qcow2$/.exec(volume)?.[1] ?? 1);

/** The volume that a reset has made; nothing for a guest's first disk. What holds for one disk depends on it. */
export const laterDisk = ({ volume }: RootDisk): { readonly disk?: string } =>
  generationOf(volume) === 1 ? {} : { disk: volume };

/**
 * The disk that a run of the program declares. A disk that was booted is its user's: only a reset makes
 * another one, under another name, so that the old one is there until the new guest is ready.
 */
export function rootDisk(
  guest: string,
  image: BackingImage,
  recorded: RecordedDisk | undefined,
  reset: boolean,
): RootDisk {
  if (recorded === undefined) {
    return { volume: volumeName(guest, image, 1), image, kept: false, outdated: false };
  }
  if (recorded.booted && !reset) {
    const { volume, image: stands } = recorded;
    return { volume, image: stands, kept: true, outdated: stands.path !== image.path };
  }
  const generation = generationOf(recorded.volume) + (recorded.booted ? 1 : 0);
  return { volume: volumeName(guest, image, generation), image, kept: false, outdated: false };
}

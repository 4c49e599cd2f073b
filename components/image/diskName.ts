/** Names of guests' root disks. Pure. */

/** File name of a path without its extension, cut so that volume names stay readable. */
export function imageKey(path: string): string {
  return (path.split("/").at(-1) ?? path)
    .replace(/\.[a-z0-9]+$/, "")
    .replace(/^sha\d+-/, "")
    .slice(0, 12);
}

/** Volume of a guest's root disk: a new image means a new disk. */
export function diskName(guest: string, image: string): string {
  return `${guest}-vm-${imageKey(image)}.qcow2`;
}

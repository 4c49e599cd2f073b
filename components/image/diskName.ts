/** Names of guests' root disks. Pure. */

/** File name of a path, without its extension, cut to a length that names stay readable with. */
export function imageKey(path: string): string {
  return (path.split("/").at(-1) ?? path)
    .replace(/\.[a-z0-9]+$/, "")
    .replace(/^sha\d+-/, "")
    .slice(0, 12);
}

/** Volume of a guest's root disk: another image is another disk. */
export function diskName(guest: string, image: string): string {
  return `${guest}-vm-${imageKey(image)}.qcow2`;
}

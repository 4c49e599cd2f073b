/** Files that are the user's alone, whole or not at all. */
import { rename, rm, writeFile } from "node:fs/promises";

/**
 * Writes by rename, so that a kill leaves the old file or the new one. The partial file is made
 * anew: a link that somebody put in its place is not followed.
 */
export async function writeWhole(path: string, data: string | Buffer, mode = 0o600): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  await writeFile(partial, data, { mode, flag: "wx" });
  await rename(partial, path);
}

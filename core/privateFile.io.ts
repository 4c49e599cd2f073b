/** Files that are the user's alone, whole or not at all. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";

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

/** The file's text; undefined where there is no such file. */
export async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

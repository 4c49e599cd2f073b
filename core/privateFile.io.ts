/** Files that only the user may read, written atomically. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";

/**
 * Writes by rename, so that a kill leaves the old file or the new one. The partial file must not
 * exist before: a planted symlink is not followed.
 */
export async function writeWhole(path: string, data: string | Buffer, mode = 0o600): Promise<void> {
  const partial = `${path}.partial`;
  await rm(partial, { force: true });
  await writeFile(partial, data, { mode, flag: "wx" });
  await rename(partial, path);
}

/** The file's text; undefined when the file does not exist. */
export async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

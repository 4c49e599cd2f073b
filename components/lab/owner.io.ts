/** The owner of a lab: two people may use the same stack name on one host. */
import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { mirlabHome } from "../../core/paths";

const FORM = /^[A-Za-z0-9._-]{1,16}@[A-Za-z0-9._-]{1,24}-[0-9a-f]{8}$/;

function nameOf(read: () => string, longest: number): string {
  try {
    return (
      read()
        .replaceAll(/[^A-Za-z0-9._-]/g, "")
        .slice(0, longest) || "unknown"
    );
  } catch {
    // A user without an entry in passwd, as in a container.
    return "unknown";
  }
}

/**
 * The content of `MIRLAB_HOME/owner`, written by the first call: `USER@MACHINE-` and eight hexadecimal
 * digits. It is beside the state and the guests' keys, and outlives a lost state. Throws when the file
 * has anything else.
 */
export function labOwner(): string {
  const home = mirlabHome();
  const file = join(home, "owner");
  try {
    return checked(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const user = nameOf(() => userInfo().username, 16);
  const owner = `${user}@${nameOf(hostname, 24)}-${randomBytes(4).toString("hex")}`;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${owner}\n`, { mode: 0o600 });
  try {
    // Of two runs that start together, the first one wins.
    linkSync(partial, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  return checked(file);
}

function checked(file: string): string {
  const text = readFileSync(file, "utf8").trim();
  if (FORM.test(text)) return text;
  throw new Error(
    `${file}: found ${JSON.stringify(text.slice(0, 80))}; need USER@MACHINE- and eight hexadecimal digits; ` +
      "fix: restore it from .mirlab-stack in the lab's folder on the host, or remove the file if you have no lab left",
  );
}

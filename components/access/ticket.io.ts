/** The ticket that opens a guest's screen: a file in the guest's folder, never in the state. */
import { randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../../core/privateFile.io";

/** Name of the file in a guest's folder. */
export const TICKET_FILE = "spice_ticket";

/** SPICE takes no more than 60 characters. */
const TICKET = /^[A-Za-z0-9_-]{22,60}$/;

/** The guest's ticket; undefined: missing, malformed, or readable by others. */
export async function ticketOf(directory: string): Promise<string | undefined> {
  const file = await open(join(directory, TICKET_FILE), "r").catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    },
  );
  if (file === undefined) return undefined;
  try {
    const { mode } = await file.stat();
    const text = (await file.readFile("utf8")).trim();
    return (mode & 0o077) === 0 && TICKET.test(text) ? text : undefined;
  } finally {
    await file.close();
  }
}

/** The guest's ticket, generated if there is none. */
export async function ensureTicket(directory: string): Promise<string> {
  const kept = await ticketOf(directory);
  if (kept !== undefined) return kept;
  const ticket = randomBytes(24).toString("base64url");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeWhole(join(directory, TICKET_FILE), `${ticket}\n`);
  return ticket;
}

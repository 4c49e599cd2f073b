/** sudo's ticket for a verb that needs root's rights on this machine. */
import { run } from "../core/exec.io";
import { Refusal } from "./refusal";
import { runForeground, say } from "./terminal";

/** sudo's tickets live for 5 minutes at the least that administrators set; Debian's default is 15. */
const RENEW_MS = 60_000;

const quiet = async (...words: string[]): Promise<boolean> =>
  (await run(["sudo", "-n", ...words], { sharesSession: true })).code === 0;

let held = false;

/**
 * Makes sudo run commands of this verb without a question: the password is asked once, at the terminal, by
 * sudo itself, and the ticket is renewed until the verb ends. Does nothing for root, where sudo asks no
 * password, and where no terminal is there to ask on: what needs root then says so.
 */
export async function holdTicket(): Promise<void> {
  if (held || process.getuid?.() === 0 || (await quiet("true"))) return;
  if (!process.stdin.isTTY || (await run(["sudo", "--version"])).code !== 0) return;
  say("packages, libvirt and folders of this machine need root's rights; sudo asks for them once");
  if ((await runForeground(["sudo", "-v"], true)) !== 0) {
    throw new Refusal({
      what: "sudo",
      found: "no right to run commands as root",
      need: "root's rights: docs/rights.md says for what",
      fix: "run the verb at a login's own terminal ('su -c' gives none), as a user that sudo knows, or prepare the host and set host.packages: check",
    });
  }
  if (!(await quiet("true"))) {
    throw new Refusal({
      what: "sudo",
      found: "a ticket that does not last (timestamp_timeout=0)",
      need: "one password for the whole verb",
      fix: "run the verb as root, or let sudo ask this user for no password (NOPASSWD)",
    });
  }
  held = true;
  setInterval(() => void quiet("-v"), RENEW_MS).unref();
}

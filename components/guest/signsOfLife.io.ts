/** Whether a guest that does not answer still moves, seen from its host. */
import { unmet } from "../../core/verdict";
import { deadlySign, plainConsole } from "../../core/serialLog";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";
import { Stuck } from "../../core/stuck";
import { Clock } from "../../core/wait";

/** The guest is told by its virtual machine: it need not answer. */
interface Watched {
  readonly host?: Target;
  readonly domain: string;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
}

/**
 * A deadly word on the console may be of the boot before: the log goes on from boot to boot. So it
 * counts when it is new, or when nothing has moved for so many seconds.
 */
const STILL_S = 20;

/**
 * A guest's agent comes up with its system: one that answers for so many seconds, while nothing is
 * read that a boot would read, belongs to a guest that is up and takes no login.
 */
const UP_S = 60;

/** Looks again and again; each look gives what has moved so far. Throws on what cannot recover. */
export function signsOfLife(
  { host, domain, serialLog }: Watched,
  now: Clock["now"] = () => performance.now() / 1000,
): () => Promise<number> {
  let most = -1;
  let movedAt = now();
  let firstBytes: number | undefined;
  return async () => {
    const args = serialLog === "" ? [domain] : [domain, serialLog];
    const told = await runOnHost(host, "signs-of-life.sh", args, { timeoutMs: 30_000 });
    if (told.code !== 0) return 0;
    const [numbers = "", ...lines] = told.stdout.toString().split("\n");
    const [reads = 0, bytes = 0, agent = 0] = numbers.split(" ").map((n) => Number(n) || 0);
    firstBytes ??= bytes;
    if (reads + bytes > most) [most, movedAt] = [reads + bytes, now()];
    const tail = lines.join("\n");
    const grown = bytes - firstBytes;
    const fresh = grown > 0 ? Buffer.from(tail).subarray(-grown).toString() : "";
    const stillS = now() - movedAt;
    const still = stillS >= STILL_S;
    const sign = deadlySign(plainConsole(still ? tail : fresh));
    if (sign !== undefined) {
      throw new Stuck(
        "serial",
        unmet(sign),
        `${domain}: ${sign}\nlast lines of ${serialLog}:\n${plainConsole(tail)}`,
      );
    }
    if (agent === 1 && stillS >= UP_S) throw noLogin(domain);
    return reads + bytes;
  };
}

function noLogin(domain: string): Stuck {
  const found = "no login, and an agent that answers: the guest is up, its sshd is not";
  const remedy = `'systemctl start ssh' in the guest; where nothing else leads into it, 'virsh reboot ${domain}'`;
  return new Stuck(
    "ssh",
    unmet(found, { remedy, settles: false }),
    `${domain}: ${found}; ${remedy}`,
  );
}

/** Detects from the host whether a guest that does not answer makes progress. */
import { faultText } from "../../core/fault";
import { unmet } from "../../core/verdict";
import { deadlySign, plainConsole } from "../../core/serialLog";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";
import { Stuck } from "../../core/stuck";
import { Clock } from "../../core/wait";

/** Observed through its virtual machine: the guest need not answer. */
interface Watched {
  readonly host?: Target;
  readonly domain: string;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
  /** The system was installed before: there is no first boot to repeat. */
  readonly adopted?: boolean;
}

/**
 * A fatal message on the console may be from an earlier boot, because the log spans boots. It
 * counts when it is new, or when the guest has made no progress for this many seconds.
 */
const STILL_S = 20;

/**
 * The guest agent starts late in the boot. If it answers for this many seconds while the guest
 * reads nothing from its disk, the guest is up but accepts no login.
 */
const UP_S = 60;

/**
 * CPUs that run are a sign too: on a slow host firmware and boot loader are silent for minutes. After this many
 * seconds without disk reads and console lines they count no more: a kernel that hangs may run for ever.
 */
const RUNS_S = 240;

/**
 * Returns a function that counts the progress so far, and throws when the guest cannot recover. The function takes the
 * last line that ssh printed at the last login; empty if ssh printed none.
 */
export function signsOfLife(
  watched: Watched,
  now: Clock["now"] = () => performance.now() / 1000,
): (answer: string) => Promise<number> {
  const { host, domain, serialLog } = watched;
  let most = -1;
  let movedAt = now();
  let firstBytes: number | undefined;
  let [cpuBefore, busyLooks] = [0, 0];
  return async (answer) => {
    const args = serialLog === "" ? [domain] : [domain, serialLog];
    const counted = await runOnHost(host, "signs-of-life.sh", args, { timeoutMs: 30_000 });
    if (counted.code !== 0) return 0;
    const [numbers = "", ...lines] = counted.stdout.toString().split("\n");
    const [reads = 0, bytes = 0, agent = 0, cpuS = 0] = numbers
      .split(" ")
      .map((n) => Number(n) || 0);
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
    if (agent === 1 && stillS >= UP_S) throw await noLogin(watched, answer);
    if (cpuS > cpuBefore && stillS < RUNS_S) busyLooks++;
    cpuBefore = cpuS;
    return reads + bytes + busyLooks;
  };
}

/** What is wrong with a guest that is up and takes no login, and the remedy. */
async function whyNoLogin(
  { host, domain, adopted }: Watched,
  answer: string,
): Promise<[string, string]> {
  if (answer.includes("Permission denied")) {
    const again = `'virsh reboot ${domain}' if its first boot was cut short, as the next boot repeats it; else `;
    return [
      "its sshd refuses the lab's key",
      `${adopted === true ? "" : again}put the key back into the account's ~/.ssh/authorized_keys: 'virsh set-user-sshkeys ${domain} USER --file KEY.pub' does this through the guest agent`,
    ];
  }
  const asked = await runOnHost(host, "guest-network.sh", [domain], { timeoutMs: 30_000 });
  const [addresses = "", loose = ""] = asked.stdout.toString().split("\n");
  if (loose !== "") {
    const [card = "", bridge = ""] = loose.split(" ");
    return [
      `the guest's network card ${card} is not in the bridge ${bridge}`,
      `'sudo ip link set ${card} master ${bridge}'; if systemd-networkd took the card out, let [Match] of its .network file name the host's own cards alone`,
    ];
  }
  if (asked.code === 0 && addresses === "") {
    return [
      "the guest has no address",
      `run 'virsh reboot ${domain}'; with network.mode nat, see that the host's firewall lets DHCP through (UDP ports 67 and 68), and 'virsh net-dhcp-leases' of the guest's network`,
    ];
  }
  return [
    "the guest is up, its sshd is not",
    `run 'systemctl start ssh' in the guest or, without access to it, 'virsh reboot ${domain}'`,
  ];
}

async function noLogin(watched: Watched, answer: string): Promise<Stuck> {
  const { domain } = watched;
  const [why, remedy] = await whyNoLogin(watched, answer);
  const found = `no login, but the guest agent answers: ${why}`;
  return new Stuck(
    "ssh",
    unmet(found, { remedy, settles: false }),
    faultText({ what: domain, found, need: "a login by SSH", fix: remedy }),
  );
}

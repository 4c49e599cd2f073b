/** What libvirt says of a domain, through virsh on the lab host. */
import { unmet } from "./verdict";
import { connectionFault, runOnHost, targetArgv } from "./link.io";
import { Target } from "./target";
import { run, RunOptions } from "./exec.io";
import { Stuck } from "./stuck";

// Its words are read, so they must be English whatever the host speaks.
const VIRSH = ["env", "LC_ALL=C", "virsh", "--quiet", "--connect", "qemu:///system"];

/**
 * Seconds for one answer of libvirt. It may probe QEMU anew before it answers: seconds on an idle
 * host, over a minute seen on one with six guests that boot without KVM.
 */
export const LIBVIRT_S = 180;

/** Runs virsh on the lab host and gives its output. Throws with virsh's own message. */
export async function virsh(host: Target, ...args: string[]): Promise<string> {
  const result = await run(targetArgv(host, [...VIRSH, ...args]), { timeoutMs: LIBVIRT_S * 1000 });
  if (result.code === 0) return result.stdout.toString();
  const reason =
    result.stderr.trim() || (result.timedOut ? `no answer in ${LIBVIRT_S} s` : "no message");
  const fix = /Permission denied|authentication/i.test(reason)
    ? "; join the group: 'adduser $USER libvirt', then log in again"
    : /Failed to connect|No such file/i.test(reason)
      ? "; start libvirtd: 'scripts/host/libvirtd.sh start'"
      : "";
  const where =
    host === undefined || connectionFault(result) === undefined
      ? ""
      : " (connection to the lab host)";
  throw new Error(`virsh ${args[0]}${where}: ${reason}${fix}`);
}

/** e.g. `{ state: "running", reason: "booted" }`. */
export async function domainState(
  host: Target,
  domain: string,
): Promise<{ state: string; reason: string }> {
  const text = (await virsh(host, "domstate", "--domain", domain, "--reason")).trim();
  const match = /^(.*?)(?: \((.*)\))?$/.exec(text);
  return { state: match?.[1] ?? text, reason: match?.[2] ?? "" };
}

/** The last lines of the guest's serial console, as text without control sequences. */
export async function serialTail(
  host: Target,
  log: string,
  lines = 20,
  options: RunOptions = {},
): Promise<string> {
  if (log === "") return "";
  const result = await runOnHost(host, "serial-tail.sh", [log, String(lines)], options);
  if (result.code !== 0) return `(serial log not readable: ${result.stderr.trim()})`;
  // eslint-disable-next-line no-control-regex -- consoles send colours and cursor moves
  const control = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f]/g;
  return result.stdout.toString().replaceAll(control, "");
}

/** Throws when the domain is in a state in which waiting cannot help. */
export async function assertRunning(host: Target, domain: string, log: string): Promise<void> {
  const { state, reason } = await domainState(host, domain);
  if (state === "running") return;
  const hint =
    state === "paused"
      ? reason === "I/O error"
        ? "the host's disk is full or failing; make room, then 'virsh resume'"
        : "'virsh resume' lets it go on"
      : "'virsh start' starts it; the serial log says why it stopped";
  const found = `${state}${reason === "" ? "" : ` (${reason})`}`;
  throw new Stuck(
    "domain",
    unmet(found, { remedy: hint }),
    `domain ${domain} is ${found}, need running; ${hint}\n${await serialTail(host, log)}`,
  );
}

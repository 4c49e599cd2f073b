/** Asks libvirt about domains, by virsh on the lab host. */
import { englishWords } from "./environment";
import { faultText } from "./fault";
import { unmet } from "./verdict";
import { connectionFault, runAt, runOnHost } from "./link.io";
import { libvirtOf, sshOf, Target } from "./target";
import { RunOptions } from "./exec.io";
import { Stuck } from "./stuck";

// The output is parsed, so it must be English in any locale.
const virshWords = (host: Target): string[] => [
  ...[...englishWords(), "virsh", "--quiet"],
  ...["--connect", libvirtOf(host)],
];

/**
 * Seconds for one answer of libvirt. It may probe QEMU first: that takes seconds on an idle host,
 * and took over a minute on a host with six guests that booted without KVM.
 */
export const LIBVIRT_S = 180;

/** Runs virsh on the lab host and returns its output. Throws with virsh's own message. */
export async function virsh(host: Target, ...args: string[]): Promise<string> {
  const result = await runAt(host, [...virshWords(host), ...args], {
    timeoutMs: LIBVIRT_S * 1000,
  });
  if (result.code === 0) return result.stdout.toString();
  const reason =
    result.stderr.trim() || (result.timedOut ? `no answer in ${LIBVIRT_S} s` : "no message");
  const fix = /Permission denied|authentication/i.test(reason)
    ? "; fix: run 'adduser $USER libvirt', then log in again"
    : /Failed to connect|No such file/i.test(reason)
      ? "; fix: run 'scripts/host/libvirtd.sh start'"
      : "";
  const where =
    sshOf(host) === undefined || connectionFault(result) === undefined
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

/** The last lines of the guest's serial console, without control sequences. */
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

/** Throws when the domain is in a state that waiting cannot change. */
export async function assertRunning(host: Target, domain: string, log: string): Promise<void> {
  const { state, reason } = await domainState(host, domain);
  if (state === "running") return;
  const hint =
    state === "paused"
      ? reason === "I/O error"
        ? `make room on the host's disk, or repair it, then run 'virsh resume ${domain}'`
        : `run 'virsh resume ${domain}'`
      : `run 'virsh start ${domain}'; the serial log says why it stopped`;
  const found = `${state}${reason === "" ? "" : ` (${reason})`}`;
  throw new Stuck(
    "domain",
    unmet(found, { remedy: hint }),
    `${faultText({ what: `domain ${domain}`, found, need: "running", fix: hint })}\n${await serialTail(host, log)}`,
  );
}

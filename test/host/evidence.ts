/** What the guests of an emulated host say by the guest agent: sshd may be down. */
import { shellWord } from "../../core/quote";
import type { EmulatedHost } from "./machine";

const VIRSH = "virsh -q -c qemu:///system";

/** Text for the host's shell: runs a command in a guest, as root, and prints its output. */
function asked(domain: string, command: string, seconds: number): string {
  const exec = JSON.stringify({
    execute: "guest-exec",
    arguments: { path: "/bin/sh", arg: ["-c", command], "capture-output": true },
  });
  return `ask() { ${VIRSH} qemu-agent-command ${domain} --timeout 20 "$1"; }
pid=$(ask ${shellWord(exec)} | grep -o '[0-9]*' | head -n 1)
sleep ${seconds}
ask "{\\"execute\\":\\"guest-exec-status\\",\\"arguments\\":{\\"pid\\":$pid}}" |
  sed -n 's/.*"out-data":"\\([^"]*\\)".*/\\1/p' | base64 -d`;
}

/** Id of a guest's boot; empty: its agent does not answer. */
export async function guestBootId(host: EmulatedHost, domain: string): Promise<string> {
  const look = asked(domain, "cat /proc/sys/kernel/random/boot_id", 3);
  return (await host.ssh("root", look, { timeoutMs: 90_000 })).stdout.toString().trim();
}

const STATE =
  "uptime; ip -brief address; networkctl --no-pager; systemctl --failed --no-pager; journalctl -b -p warning --no-pager -n 40";

/** Prints the guest's state, the end of its console, and its own words; a host that does not answer is no second failure. */
export async function printEvidence(host: EmulatedHost, domain: string): Promise<void> {
  const look = `${VIRSH} domstate ${domain} --reason
log=$(${VIRSH} dumpxml ${domain} | sed -n "s/.*<source path='\\([^']*serial[^']*\\)'.*/\\1/p" | head -n 1)
[ -z "$log" ] || tail -c 3000 "$log"
${asked(domain, STATE, 20)}`;
  const { stdout, stderr } = await host.ssh("root", look, { timeoutMs: 180_000 });
  console.log(`host: what ${domain} says:\n${stdout.toString()}${stderr}`);
}

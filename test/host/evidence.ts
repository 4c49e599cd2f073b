/** What the guests of an emulated host say after a failure, asked by the guest agent: sshd may be down. */
import type { EmulatedHost } from "./machine";

/** Runs in a guest, as root. */
const ASKED =
  "uptime; ip -brief address; networkctl --no-pager; systemctl --failed --no-pager; journalctl -b -p warning --no-pager -n 40";

const LOOK = `for domain in $(virsh -q -c qemu:///system list --name); do
  ask() { virsh -q -c qemu:///system qemu-agent-command "$domain" --timeout 20 "$1"; }
  echo "--- $domain: $(virsh -q -c qemu:///system domstate "$domain" --reason)"
  log=$(virsh -q -c qemu:///system dumpxml "$domain" | sed -n "s/.*<source path='\\(.*serial.*\\)'.*/\\1/p" | head -n 1)
  [ -z "$log" ] || tail -c 3000 "$log"
  echo "--- $domain, by its guest agent"
  pid=$(ask '{"execute":"guest-exec","arguments":{"path":"/bin/sh","arg":["-c","${ASKED}"],"capture-output":true}}' | grep -o '[0-9]*' | head -n 1)
  sleep 20
  ask "{\\"execute\\":\\"guest-exec-status\\",\\"arguments\\":{\\"pid\\":$pid}}" | sed -n 's/.*"out-data":"\\([^"]*\\)".*/\\1/p' | base64 -d
done`;

/** Prints it; a host that does not answer is no second failure. */
export async function printEvidence(host: EmulatedHost): Promise<void> {
  const { stdout, stderr } = await host.ssh("root", LOOK, { timeoutMs: 180_000 });
  console.log(`host: what its guests say:\n${stdout.toString()}${stderr}`);
}

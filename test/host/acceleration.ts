/** One guest under KVM and under TCG in the same host, by configuration, on the same disk. */
import assert from "node:assert/strict";
import type { EmulatedHost } from "./machine";
import { note, tried } from "./record";
import { converges, inGuest, markDisk, MACHINE, RemoteLab, silent, steady } from "./support";

/** Seconds until the KVM probe's guest, the host's own kernel and one program, has reached user space. */
async function probeSeconds(host: EmulatedHost, accel: string, cpu: string): Promise<number> {
  const boot = `cd /var/cache/mirlab/kvm-probe; read -r from _ </proc/uptime
    timeout 1800 qemu-system-x86_64 -machine q35 -accel ${accel} -cpu ${cpu} -m 256 -nodefaults -no-reboot \\
      -display none -serial stdio -monitor none -kernel vmlinuz -initrd initrd \\
      -append 'console=ttyS0 earlyprintk=serial panic=-1' </dev/null | grep -c mirlab-user-space-reached
    read -r to _ </proc/uptime; echo "$from $to"`;
  const [seen, times = ""] = (await host.out("root", boot, 1_860_000)).split("\n");
  assert.equal(seen, "1", `the probe's guest under ${accel}`);
  const [from = 0, to = 0] = times.split(" ").map(Number);
  return to - from;
}

export function acceleration(of: () => RemoteLab): void {
  tried("runs a guest's kernel faster by KVM than by TCG in the same host", async () => {
    const { host } = of();
    const kvm = await probeSeconds(host, "kvm", "host");
    const tcg = await probeSeconds(host, "tcg", "max");
    const ratio = (tcg / kvm).toFixed(1);
    note(`kernel to user space: kvm ${kvm.toFixed(1)} s, tcg ${tcg.toFixed(1)} s, ${ratio} x`);
    assert.ok(kvm < tcg);
  });

  // Here TCG runs within TCG: a guest may take longer than the lab's limits, which are for machines that exist.
  tried("moves from KVM to TCG and back by configuration, and keeps its disk", async () => {
    const { host, lab, guest, domain } = of();
    const assertSameDisk = await markDisk(of());
    lab.configure([{ ...MACHINE, name: guest, acceleration: "tcg" }]);
    const slow = await steady({ host }, "up to acceleration tcg", () => lab.verb("up", "--yes"));
    assert.match(await host.virsh(`dumpxml ${domain}`), /<domain type='qemu'/);
    note(`under TCG within TCG the guest ${slow.code === 0 ? "is ready" : "is not ready in time"}`);
    if (slow.code !== 0) assert.match(slow.text, /not in time: /);

    lab.configure([{ ...MACHINE, name: guest }]);
    await converges(of(), "up to acceleration kvm");
    assert.match(await host.virsh(`dumpxml ${domain}`), /<domain type='kvm'/);
    assert.equal(await inGuest(of(), "systemd-detect-virt"), "kvm");
    await assertSameDisk();
    await silent(of());
  });
}

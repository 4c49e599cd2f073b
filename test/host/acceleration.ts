/** One guest under KVM and under TCG in the same host, by configuration, on the same disk. */
import assert from "node:assert/strict";
import { note, tried } from "./record";
import { converges, inGuest, markDisk, MACHINE, RemoteLab, silent } from "./support";

/** Seconds that the guest's CPU takes for a fixed loop of its shell, by the guest's own clock. */
async function loopSeconds(of: RemoteLab): Promise<number> {
  const loop = 'i=0; while [ "$i" -lt 100000 ]; do i=$((i + 1)); done';
  const clock = "read -r up _ </proc/uptime; echo $up";
  const text = await inGuest(of, `dash -c '${clock}; ${loop}; ${clock}'`);
  const [from = 0, to = 0] = text.split("\n").map(Number);
  return to - from;
}

export function acceleration(of: () => RemoteLab): void {
  tried("moves from KVM to TCG and back by configuration, and keeps its disk", async () => {
    const { host, lab, guest, domain } = of();
    const assertSameDisk = await markDisk(of());
    const kvm = await loopSeconds(of());

    lab.configure([{ ...MACHINE, name: guest, acceleration: "tcg" }]);
    await converges(of(), "up to acceleration tcg");
    assert.match(await host.virsh(`dumpxml ${domain}`), /<domain type='qemu'/);
    assert.equal(await inGuest(of(), "systemd-detect-virt"), "qemu");
    await assertSameDisk();
    const tcg = await loopSeconds(of());
    note(
      `100,000 rounds of a shell's loop: kvm ${kvm} s, tcg ${tcg} s, ${(tcg / kvm).toFixed(1)} x`,
    );
    await silent(of());

    lab.configure([{ ...MACHINE, name: guest }]);
    await converges(of(), "up to acceleration kvm");
    assert.match(await host.virsh(`dumpxml ${domain}`), /<domain type='kvm'/);
    assert.equal(await inGuest(of(), "systemd-detect-virt"), "kvm");
    await assertSameDisk();
  });
}

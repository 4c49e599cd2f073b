/** A power cut of the host, and what is there after it. */
import assert from "node:assert/strict";
import { timed, tried } from "./record";
import { converges, markDisk, RemoteLab, silent, succeeds, untilTrue } from "./support";

export function power(of: () => RemoteLab): void {
  tried(
    "goes on after a power cut: the guest starts with its host, and `up` converges",
    async () => {
      const { host, domain } = of();
      const assertSameDisk = await markDisk(of());
      await host.powerLoss();
      await timed("boot after the power cut", () => host.powerOn());
      await timed("the guest starts with its host", () =>
        untilTrue("the guest does not run", 600_000, async () => {
          const state = await host.ssh("root", `virsh -c qemu:///system domstate ${domain}`);
          return state.stdout.toString().trim() === "running";
        }),
      );
      await converges(of(), "up after the power cut");
      await assertSameDisk();
      await silent(of());
    },
  );

  tried("leaves nothing by `down`", async () => {
    const { host, lab, domain } = of();
    await succeeds(of(), "down", () => lab.verb("down", "--yes"));
    const left = await host.out(
      "root",
      `virsh -c qemu:///system list --all --name | grep -x ${domain}; virsh -c qemu:///system pool-list --all --name | grep mirlab-; ls ${lab.dataDir} 2>/dev/null; true`,
    );
    assert.equal(left, "");
  });
}

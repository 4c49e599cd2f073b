/** One boot of a guest, made by the lab: until it answers again, or is known not to. */
import { LIMITS_S, STALL_S } from "../../core/limits";
import { assertRunning, virsh } from "../../core/virsh.io";
import { run } from "../../core/exec.io";
import type { GuestBootInputs } from "./boot";
import { runInGuest, targetArgv } from "../../core/link.io";
import { signsOfLife } from "./signsOfLife.io";
import { waitFor } from "../../core/wait";

export interface Boot {
  readonly bootId: string;
  /** `uname -r` of the kernel that runs. */
  readonly release: string;
}

const FILES = ["/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/osrelease"];

/**
 * Waits for an answer of another boot than `before`. A panic of the boot that is waited for ends the
 * wait, unless the guest is coming back from one: then the console's old words mean nothing.
 */
async function otherBoot(
  inputs: GuestBootInputs,
  before: string,
  what: string,
  comingBack: boolean,
): Promise<Boot> {
  const { host, domain, acceleration, serialLog } = inputs;
  const [limitS, stallS] = [LIMITS_S[acceleration].ssh, STALL_S[acceleration].ssh];
  const signs = signsOfLife(inputs);
  return waitFor<Boot>({ what: `${domain}: ${what}:`, limitS, stallS }, async () => {
    await assertRunning(host, domain, serialLog);
    const told = await run(targetArgv(inputs.guest, ["cat", ...FILES]), { timeoutMs: 20_000 });
    const [bootId = "", release = ""] = told.stdout.toString().trim().split("\n");
    if (told.code === 0 && bootId !== before) return { value: { bootId, release } };
    const moved = comingBack ? await signs().catch(() => 0) : await signs();
    return { notYet: told.code === 0 ? "it goes down" : "no answer yet", moved };
  });
}

/** Boots the guest by its own will, and waits for it. Rejects with why it did not come up. */
export async function reboot(inputs: GuestBootInputs, before: string, what: string): Promise<Boot> {
  // The connection may end before the answer.
  await runInGuest(inputs.guest, "kernel.sh", ["reboot"], { timeoutMs: 60_000 });
  return otherBoot(inputs, before, what, false);
}

/** Boots the guest from outside: for one that does not answer. What it had not written is lost. */
export async function powerCycle(inputs: GuestBootInputs, before: string): Promise<Boot> {
  await virsh(inputs.host, "reset", "--domain", inputs.domain);
  return otherBoot(inputs, before, "power cycle", true);
}

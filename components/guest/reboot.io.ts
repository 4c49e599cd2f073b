/** Reboots a guest and waits until it answers, or until waiting cannot help. */
import { LIMITS_S, STALL_S } from "../../core/limits";
import { assertRunning, virsh } from "../../core/virsh.io";
import { run } from "../../core/exec.io";
import { lastLine } from "../../core/plainText";
import type { GuestBootInputs } from "./boot";
import { LOGIN_MS, runInGuest, targetArgv } from "../../core/link.io";
import { signsOfLife } from "./signsOfLife.io";
import { waitFor } from "../../core/wait";

export interface Boot {
  readonly bootId: string;
  /** `uname -r` of the running kernel. */
  readonly release: string;
}

const FILES = ["/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/osrelease"];

/**
 * Waits for an answer from another boot than `before`. A panic on the console ends the wait, except
 * when the guest is recovering from one (`comingBack`): then the console still shows the old panic.
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
    const read = await run(targetArgv(inputs.guest, ["cat", ...FILES]), { timeoutMs: LOGIN_MS });
    const [bootId = "", release = ""] = read.stdout.toString().trim().split("\n");
    if (read.code === 0 && bootId !== before) return { value: { bootId, release } };
    const signed = signs(lastLine(read.stderr));
    const moved = comingBack ? await signed.catch(() => 0) : await signed;
    return { notYet: read.code === 0 ? "shutting down" : "no answer yet", moved };
  });
}

/** Reboots the guest from inside and waits for it. Rejects with the reason if it does not come up. */
export async function reboot(inputs: GuestBootInputs, before: string, what: string): Promise<Boot> {
  // The connection may end before the script does, so its result means nothing.
  await runInGuest(inputs.guest, "kernel.sh", ["reboot"], { timeoutMs: 60_000 });
  return otherBoot(inputs, before, what, false);
}

/** Resets a guest that does not answer. Data that it has not written to its disk is lost. */
export async function powerCycle(inputs: GuestBootInputs, before: string): Promise<Boot> {
  await virsh(inputs.host, "reset", "--domain", inputs.domain);
  return otherBoot(inputs, before, "power cycle", true);
}

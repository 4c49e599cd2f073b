/** Waits until a guest has booted. */
import { run } from "../../core/exec.io";
import { faultText } from "../../core/fault";
import { lastLine } from "../../core/plainText";
import { connectionFault, LOGIN_MS, runInGuest, targetArgv } from "../../core/link.io";
import { LIMITS_S, STALL_S } from "../../core/limits";
import { Stuck } from "../../core/stuck";
import { unmet } from "../../core/verdict";
import { assertRunning, serialTail } from "../../core/virsh.io";
import { Clock, waitFor } from "../../core/wait";
import { GuestBootInputs } from "./boot";
import { signsOfLife } from "./signsOfLife.io";

/** Waits until sshd answers with the pinned key. Throws Stuck when waiting cannot help. */
export async function waitForSsh(inputs: GuestBootInputs, clock?: Clock): Promise<void> {
  const { host, domain, acceleration, serialLog } = inputs;
  const [limitS, stallS] = [LIMITS_S[acceleration].ssh, STALL_S[acceleration].ssh];
  const signs = signsOfLife(inputs, clock?.now);
  const timing = { limitS, stallS, ...(clock === undefined ? {} : { clock }) };
  await waitFor({ what: `${domain}: ssh:`, ...timing }, async () => {
    await assertRunning(host, domain, serialLog);
    const result = await run(targetArgv(inputs.guest, ["true"]), { timeoutMs: LOGIN_MS });
    if (result.code === 0) return { value: undefined };
    if (connectionFault(result) === "refused-key") throw wrongKey(inputs);
    const why = lastLine(result.stderr);
    return { notYet: why === "" ? "no answer" : why, moved: await signs(why) };
  }).catch(async (error: Error) => {
    if (error instanceof Stuck) throw error;
    const tail = serialLog === "" ? "" : await serialTail(host, serialLog);
    const log = serialLog === "" ? "" : `\nlast lines of ${serialLog}:\n${tail}`;
    throw new Stuck("ssh", unmet(`no login: ${error.message}`), `${error.message}${log}`);
  });
}

/** Another machine may answer: ssh ran nothing there. */
function wrongKey({ domain, adopted }: GuestBootInputs): Stuck {
  const found = "another SSH host key than the pinned one";
  const fix =
    adopted === true
      ? `set guests[].image.ssh.hostKey to the new key, if the owner replaced it`
      : `run 'pulumi up --replace' on the guest's domain, if you replaced the key`;
  return new Stuck(
    "ssh",
    unmet(found, { remedy: fix, settles: false }),
    `${domain}: found another SSH host key than the pinned one (nothing was run there); need the pinned key; fix: ${fix}`,
  );
}

/** How often the connection may break during a first boot, which a guest repeats after a restart. */
const BREAKS = 3;

export async function boot(inputs: GuestBootInputs): Promise<void> {
  const { acceleration, adopted, domain, guest } = inputs;
  const limitS = LIMITS_S[acceleration].cloudInit;
  for (let breaks = 0; breaks < BREAKS; breaks++) {
    await waitForSsh(inputs);
    if (adopted === true) return;
    const done = await runInGuest(guest, "cloud-init-wait.sh", [String(limitS)], {
      timeoutMs: (limitS + 30) * 1000,
    });
    if (done.code === 0) return;
    if (done.code !== 255) throw new Error(`${domain}: cloud-init failed\n${done.stderr.trim()}`);
  }
  throw new Error(
    faultText({
      what: domain,
      found: `the connection broken ${BREAKS} times during the first boot`,
      need: "a guest that stays up until cloud-init has ended",
      fix: "see its serial log for the reason, then run 'up' again",
    }),
  );
}

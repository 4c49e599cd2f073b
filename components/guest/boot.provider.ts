/** Handler of GuestBoot: waits until the guest answers and its first boot is done. */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { unmet } from "../../core/verdict";
import { Acceleration, LIMITS_S, STALL_S } from "../../core/limits";
import { assertRunning, serialTail } from "../../core/virsh.io";
import { failWithEvidence } from "../report/evidence.io";
import { run } from "../../core/exec.io";
import { connectionFault, runInGuest, targetArgv } from "../../core/link.io";
import { SshTarget } from "../../core/target";
import { signsOfLife } from "./signsOfLife.io";
import { Stuck } from "../../core/stuck";
import { Clock, waitFor } from "../../core/wait";

export interface GuestBootInputs {
  readonly guest: SshTarget;
  readonly host?: SshTarget;
  readonly domain: string;
  /** libvirt's UUID of the domain: another domain has another first boot. */
  readonly bootId: string;
  readonly acceleration: Acceleration;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
  /** Its system was installed before: there is no first boot of ours to wait for. */
  readonly adopted?: boolean;
}

/** Waits until sshd answers with the pinned key. Throws Stuck when that cannot come. */
export async function waitForSsh(inputs: GuestBootInputs, clock?: Clock): Promise<void> {
  const { host, domain, acceleration, serialLog } = inputs;
  const [limitS, stallS] = [LIMITS_S[acceleration].ssh, STALL_S[acceleration].ssh];
  const signs = signsOfLife(inputs, clock?.now);
  const timing = { limitS, stallS, ...(clock === undefined ? {} : { clock }) };
  await waitFor({ what: `${domain}: ssh:`, ...timing }, async () => {
    await assertRunning(host, domain, serialLog);
    const result = await run(targetArgv(inputs.guest, ["true"]), { timeoutMs: 20_000 });
    if (result.code === 0) return { value: undefined };
    if (connectionFault(result) === "refused-key") throw otherKey(inputs);
    const why = result.stderr.trim().split("\n").at(-1) ?? "";
    return { notYet: why === "" ? "no answer" : why, moved: await signs() };
  }).catch(async (error: Error) => {
    if (error instanceof Stuck) throw error;
    const tail = serialLog === "" ? "" : await serialTail(host, serialLog);
    const log = serialLog === "" ? "" : `\nlast lines of ${serialLog}:\n${tail}`;
    throw new Stuck("ssh", unmet(`no login: ${error.message}`), `${error.message}${log}`);
  });
}

/** Something else answers: nothing was run in it. */
function otherKey({ domain, adopted }: GuestBootInputs): Stuck {
  const found = "another SSH host key than the pinned one";
  const fix =
    adopted === true
      ? `If it was replaced on purpose, set guests[].image.ssh.hostKey to the new one`
      : `If you replaced the key on purpose, run 'pulumi up --replace' on the guest's domain`;
  return new Stuck(
    "ssh",
    unmet(found, { remedy: fix, settles: false }),
    `${domain}: the guest's SSH host key is not the pinned one; nothing was run in it. ${fix}`,
  );
}

async function boot(inputs: GuestBootInputs): Promise<void> {
  await waitForSsh(inputs);
  if (inputs.adopted === true) return;
  const limitS = LIMITS_S[inputs.acceleration].cloudInit;
  const done = await runInGuest(inputs.guest, "cloud-init-wait.sh", [String(limitS)], {
    timeoutMs: (limitS + 30) * 1000,
  });
  if (done.code !== 0) {
    throw new Error(`${inputs.domain}: cloud-init did not succeed\n${done.stderr.trim()}`);
  }
}

/** Boots, or leaves a report of why not: MirReadiness, which writes one, comes after this. */
async function bootOrTell(inputs: GuestBootInputs): Promise<void> {
  await boot(inputs).catch(failWithEvidence(dirname(inputs.guest.config), inputs));
}

const pick = ({
  guest,
  host,
  domain,
  bootId,
  acceleration,
  serialLog,
  adopted,
}: GuestBootInputs) => ({
  ...{ guest, domain, bootId, acceleration, serialLog },
  ...(host === undefined ? {} : { host }),
  ...(adopted === undefined ? {} : { adopted }),
});

export const provider: pulumi.dynamic.ResourceProvider<GuestBootInputs, GuestBootInputs> = {
  async create(inputs) {
    await bootOrTell(inputs);
    return { id: inputs.bootId, outs: pick(inputs) };
  },
  async diff(_id, olds, news) {
    return { changes: !isDeepStrictEqual(pick(olds), pick(news)) };
  },
  async update(_id, _olds, news) {
    await bootOrTell(news);
    return { outs: pick(news) };
  },
};

/** Power of a domain: clean shutdowns only, unless the domain is removed. */
import { Acceleration, LIMITS_S } from "../../core/limits";
import { domainState, virsh } from "../../core/virsh.io";
import { listDomains } from "./definition.io";
import { Target } from "../../core/target";
import { NotInTime, waitFor } from "../../core/wait";

export interface PoweredDomain {
  readonly host: Target;
  readonly domain: string;
  readonly acceleration: Acceleration;
}

/** Seconds between requests to shut down: a booting guest ignores the first. */
const ASK_AGAIN_S = 30;

/**
 * The state of a domain, `gone` for one that libvirt does not have. Rejects where libvirt does not answer:
 * that says nothing about the domain.
 */
async function stateOf({ host, domain }: PoweredDomain): Promise<string> {
  try {
    return (await domainState(host, domain)).state;
  } catch (error) {
    const all = await Promise.all(
      ["--name", "--uuid"].map((form) => listDomains(host, "--all", form)),
    );
    if (all.flat().includes(domain)) throw error;
    return "gone";
  }
}

const isOff = (state: string): boolean => state === "shut off" || state === "gone";

/** Asks the running domain to shut down until it is off. Rejects with NotInTime when it is still on. */
async function askToShutDown(powered: PoweredDomain, limitS: number): Promise<void> {
  const { host, domain } = powered;
  let asked = 0;
  await waitFor({ what: `${domain}: clean shutdown:`, limitS }, async () => {
    // A libvirtd that restarts is back in seconds.
    const state = await stateOf(powered).catch((error: Error) => error);
    if (state instanceof Error) return { notYet: state.message };
    if (isOff(state)) return { value: undefined };
    if (state === "running" && Date.now() - asked >= ASK_AGAIN_S * 1000) {
      asked = Date.now();
      // The domain may have stopped since the look; the next look sees it.
      await virsh(host, "shutdown", "--domain", domain).catch(() => undefined);
    }
    return { notYet: `the domain is ${state}` };
  });
}

/** Shuts the running domain down cleanly, never by force. */
export async function shutDown(powered: PoweredDomain): Promise<void> {
  const { domain, acceleration } = powered;
  await askToShutDown(powered, LIMITS_S[acceleration].shutdown).catch((error: Error) => {
    throw new Error(
      `${error.message}; need the domain shut off; fix: shut it down from inside ` +
        `('systemctl poweroff'), or by 'virsh destroy ${domain}' if its data may be lost, ` +
        `then run 'up' again; log: /var/log/libvirt/qemu/${domain}.log`,
    );
  });
}

/** Seconds that a domain gets for a clean shutdown before its removal. */
const GRACE_S = { kvm: 30, tcg: 60 } as const;

/**
 * Stops a domain, by UUID, before its removal: cleanly if possible, as its disk may outlive it. It is switched
 * off only where libvirt says, after the wait, that it still runs.
 */
export async function endForRemoval(powered: PoweredDomain): Promise<void> {
  const { host, domain, acceleration } = powered;
  const state = await stateOf(powered);
  if (isOff(state)) return;
  if (state === "running" || state === "in shutdown") {
    await askToShutDown(powered, GRACE_S[acceleration]).catch((error: Error) => {
      if (!(error instanceof NotInTime)) throw error;
    });
    if (isOff(await stateOf(powered))) return;
    console.log(`${domain}: did not shut down in ${GRACE_S[acceleration]} s; switching it off`);
  }
  await virsh(host, "destroy", "--domain", domain).catch(async (error: Error) => {
    // It may have shut down since the look.
    if (!isOff(await stateOf(powered))) throw error;
  });
}

/** Power of a domain: clean shutdowns only, unless the domain is removed. */
import { Acceleration, LIMITS_S } from "../../core/limits";
import { domainState, virsh } from "../../core/virsh.io";
import { listDomains } from "./definition.io";
import { Target } from "../../core/target";
import { waitFor } from "../../core/wait";

export interface PoweredDomain {
  readonly host: Target;
  readonly domain: string;
  readonly acceleration: Acceleration;
}

/** Seconds between requests to shut down: a booting guest ignores the first. */
const ASK_AGAIN_S = 30;

/** Asks the running domain to shut down until it is off. Rejects when it is not off in time. */
async function askToShutDown({ host, domain }: PoweredDomain, limitS: number): Promise<void> {
  let asked = 0;
  await waitFor({ what: `${domain}: clean shutdown:`, limitS }, async () => {
    const { state } = await domainState(host, domain);
    if (state === "shut off") return { value: undefined };
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

/** Stops a domain, by UUID, before its removal: cleanly if possible, as its disk may outlive it. */
export async function endForRemoval(powered: PoweredDomain): Promise<void> {
  const { host, domain, acceleration } = powered;
  const { state } = await domainState(host, domain);
  if (state === "shut off") return;
  if (state === "running" || state === "in shutdown") {
    const clean = await askToShutDown(powered, GRACE_S[acceleration]).then(
      () => true,
      () => false,
    );
    // A domain that was undefined while it ran disappears when it stops.
    if (clean || !(await listDomains(host, "--all", "--uuid")).includes(domain)) return;
    console.log(`${domain}: did not shut down in ${GRACE_S[acceleration]} s; switching it off`);
  }
  await virsh(host, "destroy", "--domain", domain);
}

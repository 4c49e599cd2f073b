/** Power cycles of an adopted domain: only clean ones. */
import * as xml from "../lib/adoptXml";
import { Acceleration, LIMITS_S } from "../lib/limits";
import type { AdoptedDomainInputs } from "./adoptedDomain";
import { domainState, virsh } from "./domain";
import { liveXml } from "./domainDefinition";
import { waitFor } from "./wait";

/** Seconds between requests to shut down: a guest that still boots does not hear the first. */
const ASK_AGAIN_S = 30;

/** Ends the running domain by its own shutdown, never by force. */
async function shutDown(inputs: AdoptedDomainInputs, acceleration: Acceleration): Promise<void> {
  const { host, domain } = inputs;
  const limitS = LIMITS_S[acceleration].ssh;
  let asked = 0;
  await waitFor({ what: `${domain}: clean shutdown`, limitS }, async () => {
    const { state } = await domainState(host, domain);
    if (state === "shut off") return { value: undefined };
    if (state === "running" && Date.now() - asked >= ASK_AGAIN_S * 1000) {
      asked = Date.now();
      // Ends by itself between two looks: then the next look tells.
      await virsh(host, "shutdown", "--domain", domain).catch(() => undefined);
    }
    return { notYet: `the domain is ${state}` };
  }).catch((error: Error) => {
    throw new Error(
      `${error.message}; required shut off; it was not forced: shut it down from inside ` +
        `('systemctl poweroff'), or 'virsh destroy ${domain}' if its data may be lost, ` +
        `and run 'up' again; log: /var/log/libvirt/qemu/${domain}.log`,
    );
  });
}

/** Brings the domain up with the hardware of its definition, as far as `restart` allows. */
export async function powerUp(
  inputs: AdoptedDomainInputs,
  original: string,
  acceleration: Acceleration,
): Promise<{ started: boolean; pending: string }> {
  const { host, domain } = inputs;
  const { state } = await domainState(host, domain);
  if (state === "running") {
    const old = xml.differences(await liveXml(host, domain), inputs, original);
    if (old.length === 0) return { started: false, pending: "" };
    if (inputs.restart === "never") {
      console.log(
        `warning: ${domain} runs with its old ${old.join(", ")} until a power cycle: shut it down and ` +
          `run 'up', or set guests[].image.restart to "shutdown"`,
      );
      return { started: false, pending: "power cycle" };
    }
  }
  if (state === "running" || state === "in shutdown") await shutDown(inputs, acceleration);
  else if (state !== "shut off") {
    const fix =
      state === "paused" ? `'virsh resume ${domain}'` : `see 'virsh domstate ${domain} --reason'`;
    throw new Error(`${domain}: found it ${state}, required running or shut off; ${fix}`);
  }
  await virsh(host, "start", "--domain", domain);
  const left = xml.differences(await liveXml(host, domain), inputs, original);
  if (left.length > 0)
    throw new Error(
      `${domain}: found after its start another ${left.join(", ")}, required as declared`,
    );
  return { started: true, pending: "" };
}

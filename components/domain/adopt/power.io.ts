/** Clean power cycles of an adopted domain. */
import * as xml from "./adoption";
import { Acceleration } from "../../../core/limits";
import type { AdoptedDomainInputs } from "./adoptedDomain";
import { domainState, virsh } from "../../../core/virsh.io";
import { liveXml } from "../definition.io";
import { shutDown } from "../power.io";

/** Starts the domain with the hardware of its definition, as far as `restart` allows. */
export async function powerUp(
  inputs: AdoptedDomainInputs & xml.AdoptContract,
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
        `warning: ${domain}: found the old ${old.join(", ")} until its next power cycle; need the new parts; ` +
          `fix: shut it down and run 'up', or set guests[].image.restart to "shutdown"`,
      );
      return { started: false, pending: "power cycle" };
    }
  }
  if (state === "running" || state === "in shutdown")
    await shutDown({ host, domain, acceleration });
  else if (state !== "shut off") {
    const fix =
      state === "paused" ? `'virsh resume ${domain}'` : `see 'virsh domstate ${domain} --reason'`;
    throw new Error(`${domain}: found it ${state}; need it running or shut off; fix: ${fix}`);
  }
  await virsh(host, "start", "--domain", domain);
  const left = xml.differences(await liveXml(host, domain), inputs, original);
  if (left.length > 0)
    throw new Error(
      `${domain}: found differences after its start (${left.join(", ")}); need the declared parts`,
    );
  return { started: true, pending: "" };
}

/** Asks libvirt everything about one domain, in one round trip to the lab host. */
import { randomBytes } from "node:crypto";
import { DomainObservation, readObservation } from "./observation";
import { LIBVIRT_S } from "../../core/virsh.io";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";

/**
 * The domain of that name or UUID; undefined when libvirt does not have it. No answer is an error.
 * `ticket`: the lab's ticket for its screen.
 */
export async function observeDomain(
  host: Target,
  domain: string,
  ticket?: string,
): Promise<DomainObservation | undefined> {
  const mark = randomBytes(16).toString("hex");
  const result = await runOnHost(host, "domain-observe.sh", [domain, mark], {
    timeoutMs: LIBVIRT_S * 1000,
  });
  if (result.code !== 0) {
    const reason =
      result.stderr.trim() || (result.timedOut ? `no answer in ${LIBVIRT_S} s` : "no message");
    throw new Error(
      `domain ${domain}: found no answer from libvirt (${reason}); need one; ` +
        `fix: start libvirt (scripts/host/libvirtd.sh start), or join the group libvirt`,
    );
  }
  const seen = readObservation(result.stdout.toString(), mark, domain);
  return seen === undefined || ticket === undefined ? seen : { ...seen, ticket };
}

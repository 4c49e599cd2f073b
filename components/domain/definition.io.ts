/** Reads and writes definitions of domains, through virsh on the lab host. */
import { LIBVIRT_S, virsh } from "../../core/virsh.io";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";

/** The names or UUIDs that `virsh list` prints. */
export async function listDomains(host: Target, ...filters: string[]): Promise<string[]> {
  const text = await virsh(host, "list", ...filters);
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The persistent definition, with passwords: a define without them would drop them. */
export const inactiveXml = (host: Target, domain: string): Promise<string> =>
  virsh(host, "dumpxml", "--inactive", "--security-info", "--domain", domain);

export const liveXml = (host: Target, domain: string): Promise<string> =>
  virsh(host, "dumpxml", "--security-info", "--domain", domain);

/** Defines a domain, whole or not at all. Throws with libvirt's own message. */
export async function define(
  host: Target,
  domain: string,
  definition: string,
  ...options: string[]
): Promise<void> {
  const result = await runOnHost(host, "domain-define.sh", options, {
    stdin: definition,
    timeoutMs: LIBVIRT_S * 1000,
  });
  if (result.code === 0) return;
  const reason =
    result.stderr.trim() || (result.timedOut ? `no answer in ${LIBVIRT_S} s` : "no message");
  throw new Error(
    `${domain}: found that libvirt refuses the new definition, so nothing was changed; ` +
      `need a valid one; fix: correct what libvirt names with 'virsh edit ${domain}'; log:\n${reason}`,
  );
}

import * as pulumi from "@pulumi/pulumi";
import { HostAccess, hostAccess, configureProvider } from "../host/access.io";
import { hostFacts } from "../host/facts.io";
import { KvmProof } from "../host/checks/kvm";
import { kvmProof } from "../host/kvmProof.io";
import { checkHost } from "../host/checks";
import { Finding, findingText } from "../host/checks/finding";
import { linkAgent, lookAtKeys } from "../access/privateKey.io";
import { lookAtArchiveKeys } from "../image/archiveKeys.io";
import { lookForPrograms } from "../host/programs.io";
import { HostFacts } from "../host/facts";
import { Lab } from "../../config/schema";
import { refuse } from "./refusal.resource";

/** How to reach the host, and its facts. */
export interface Preflight {
  readonly access: HostAccess;
  /** Files of private keys whose key the SSH agent has. */
  readonly inAgent: ReadonlySet<string>;
  readonly facts: HostFacts;
  /** Undefined: no guest asks for it, or the host has no QEMU yet. */
  readonly kvm: KvmProof | undefined;
}

/** Checks the host before anything is changed, and refuses the lab with all faults at once. */
export async function preflight(lab: Lab, stack: string): Promise<Preflight> {
  const { findings: keys, inAgent } = await lookAtKeys(lab);
  const programs = await lookForPrograms(lab, pulumi.runtime.isDryRun());
  const archives = await lookAtArchiveKeys(lab);
  const useless = [...programs, ...keys, ...archives].filter((f) => f.severity === "fail");
  // The host could not be asked without them, or by one client only.
  if (useless.length > 0) refuseAll(useless);
  if (inAgent.size > 0) linkAgent();
  const asked = await askHost(lab, stack, inAgent);
  const findings = checkHost(asked.facts, lab, stack);
  for (const finding of findings.filter((f) => f.severity === "warn")) {
    void pulumi.log.warn(findingText(finding));
  }
  const faults = findings.filter((f) => f.severity === "fail");
  if (faults.length === 0) return { ...asked, kvm: await proofFor(lab, asked) };
  refuseAll(faults);
}

function refuseAll(faults: readonly Finding[]): never {
  refuse(
    `the host is not ready for this lab: ${faults.length} fault(s); nothing was touched`,
    ...faults.map((f) => `  ${f.path === undefined ? "" : `${f.path}: `}${findingText(f)}`),
  );
}

/** KVM as it is now: the guests' resources keep the answer of their first `up`. */
async function proofFor(
  lab: Lab,
  { access, facts }: Omit<Preflight, "kvm">,
): Promise<KvmProof | undefined> {
  const asks = lab.guests.some(
    ({ image, acceleration }) => image.source !== "existing" && acceleration !== "tcg",
  );
  if (!asks || facts.qemuVersion === "") return undefined;
  return kvmProof(access.target, lab.host.cacheDir);
}

async function askHost(
  lab: Lab,
  stack: string,
  inAgent: ReadonlySet<string>,
): Promise<Omit<Preflight, "kvm">> {
  try {
    const access = hostAccess(lab.host, stack, inAgent);
    if (access.provider !== undefined) configureProvider(access.provider);
    return { access, inAgent, facts: await hostFacts(access.target, lab) };
  } catch (error) {
    refuse((error as Error).message);
  }
}

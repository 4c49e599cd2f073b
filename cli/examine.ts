/** Examines this machine and the host for `lab doctor` and `lab up`. Changes nothing but the cache of KVM's proof. */
import { HostFacts } from "../components/host/facts";
import { checkHost } from "../components/host/checks";
import { Finding } from "../components/host/checks/finding";
import { kvmFinding } from "../components/host/checks/kvm";
import { ConfigFault } from "../config/fault";
import { lookAtKeys } from "../components/access/privateKey.io";
import { lookAtArchiveKeys } from "../components/image/archiveKeys.io";
import { labName } from "../components/lab/labName.io";
import { hostAccess } from "../components/host/access.io";
import { tryClients } from "../components/host/clients.io";
import { hostFacts } from "../components/host/facts.io";
import { kvmProof } from "../components/host/kvmProof.io";
import { lookForPrograms } from "../components/host/programs.io";
import { labOfFile } from "../config/stackFile.io";

const configFinding = ({ path, reason }: ConfigFault): Finding => ({
  id: "config",
  group: "config",
  severity: "fail",
  path,
  found: path,
  required: "a valid key",
  fix: reason,
});

export interface Examined {
  readonly findings: readonly Finding[];
  /** Name of the host. */
  readonly host: string;
  /** What was read on it; undefined: it was not asked. */
  readonly facts?: HostFacts;
}

/** Asks and judges; `renew`: KVM is tried again, whatever its last proof was. Throws when the host cannot be asked. */
export async function examine(file: string, stack: string, renew = false): Promise<Examined> {
  const { lab, faults } = labOfFile(file);
  const host = lab?.host.ssh?.host ?? "this machine";
  if (lab === undefined) return { findings: faults.map(configFinding), host };
  const { findings: keys } = await lookAtKeys(lab);
  const programs = await lookForPrograms(lab, lab.host.packages === "install");
  const here = [...programs, ...keys, ...(await lookAtArchiveKeys(lab))];
  if (here.some(({ severity }) => severity === "fail")) return { findings: here, host };
  // As its folder says: the state may be out of reach, and a stack may have been renamed.
  const name = labName(stack, undefined);
  const { target } = hostAccess(lab.host, name);
  const [facts, proof, clients] = await Promise.all([
    hostFacts(target, lab, "full"),
    kvmProof(target, lab.host.cacheDir, renew),
    target === undefined ? [] : tryClients(target).then((finding) => [finding]),
  ]);
  const findings = checkHost(facts, lab, name);
  const kvm = facts.full === undefined ? [] : [kvmFinding(proof, facts, facts.full, lab)];
  return { findings: [...here, ...clients, ...kvm, ...findings], host, facts };
}

/** What a host must be before a lab is made on it: checks as data. Pure. */
import { HostFacts } from "./hostFacts";
import { Finding, HostCheck } from "./hostChecks/finding";
import { FOLDER_CHECKS } from "./hostChecks/folders";
import { KVM_CHECKS } from "./hostChecks/kvm";
import { LIBVIRT_CHECKS } from "./hostChecks/libvirt";
import { MACHINE_CHECKS } from "./hostChecks/machine";
import { PORT_CHECKS } from "./hostChecks/ports";
import { SECURITY_CHECKS } from "./hostChecks/security";
import { Lab } from "./labSchema";

const HOST_CHECKS: readonly HostCheck[] = [
  ...MACHINE_CHECKS,
  ...KVM_CHECKS,
  ...LIBVIRT_CHECKS,
  ...FOLDER_CHECKS,
  ...PORT_CHECKS,
  ...SECURITY_CHECKS,
];

/** All findings, in order. Checks of facts that were not asked for find nothing. */
export function checkHost(facts: HostFacts, lab: Lab, stack: string): Finding[] {
  return HOST_CHECKS.flatMap(({ id, group, judge }) =>
    judge(facts, lab, stack).map((judged) => ({ id, group, ...judged })),
  );
}

/** The checks of a host before a lab is created on it, as data. Pure. */
import { HostFacts } from "../facts";
import { COMBINATION_CHECKS } from "./combinations";
import { Finding, HostCheck } from "./finding";
import { FOLDER_CHECKS } from "./folders";
import { KVM_CHECKS } from "./kvm";
import { LIBVIRT_CHECKS } from "./libvirt";
import { MACHINE_CHECKS } from "./machine";
import { NETWORK_CHECKS } from "./network";
import { PORT_CHECKS } from "./ports";
import { SECURITY_CHECKS } from "./security";
import { Lab } from "../../../config/schema";

const HOST_CHECKS: readonly HostCheck[] = [
  ...COMBINATION_CHECKS,
  ...MACHINE_CHECKS,
  ...KVM_CHECKS,
  ...LIBVIRT_CHECKS,
  ...FOLDER_CHECKS,
  ...PORT_CHECKS,
  ...NETWORK_CHECKS,
  ...SECURITY_CHECKS,
];

/** All findings, in order. A check whose facts were not collected has none. */
export function checkHost(facts: HostFacts, lab: Lab, stack: string): Finding[] {
  return HOST_CHECKS.flatMap(({ id, group, judge }) =>
    judge(facts, lab, stack).map((judged) => ({ id, group, ...judged })),
  );
}

import { domainPolicy, guestList } from "./kit";

export const noQemuCommandline = domainPolicy<{ readonly domains: readonly string[] }>(
  {
    name: "no-qemu-commandline",
    description: "No domain passes raw arguments to QEMU.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "A raw argument bypasses libvirt: sVirt, policies and drift checks do not know what it opens. Only components/domain/definition.ts writes the lab's own arguments, for user-mode network and TLS.",
    remediationSteps: "Use libvirt's own elements, or list the domain.",
    config: { domains: guestList("Domains that may pass raw arguments, by name.") },
  },
  ({ name, rawQemu }, report, { domains }) => {
    if (domains.includes(name)) return;
    for (const found of rawQemu) {
      report({
        what: `domain '${name}'`,
        found: `<${found}>`,
        need: "no raw QEMU arguments",
        fix: `use libvirt's own elements, or list '${name}' in domains of this policy`,
      });
    }
  },
);

import { domainPolicy, guestList } from "./kit";

export const noQemuCommandline = domainPolicy<{ readonly domains: readonly string[] }>(
  {
    name: "no-qemu-commandline",
    description: "No domain brings arguments of its own to QEMU.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "An argument goes past libvirt: no sVirt label, no policy and no drift check knows what it opens. The lab's own, for user-mode network, are written by components/domain/definition.ts alone.",
    remediationSteps: "Say it in libvirt's own elements, or name the domain.",
    config: { domains: guestList("Domains that may, by name.") },
  },
  ({ name, rawQemu }, report, { domains }) => {
    if (domains.includes(name)) return;
    for (const found of rawQemu) {
      report(
        `The domain '${name}' must not bring its own arguments to QEMU, found <${found}>; ` +
          `say it in libvirt's own elements, or name '${name}' in domains of this policy.`,
      );
    }
  },
);

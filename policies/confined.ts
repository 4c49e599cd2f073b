import { domainPolicy } from "./kit";

export const confined = domainPolicy(
  {
    name: "confined",
    description: "QEMU stays confined by sVirt, and does not run as root.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "Confinement is the last barrier when a guest escapes from QEMU. No input shows whether the host has it at all: `npm run doctor` checks that.",
    remediationSteps: "Remove the <seclabel> that switches confinement off or runs QEMU as root.",
  },
  ({ name, labels }, report) => {
    for (const found of labels) {
      report({
        what: `domain '${name}'`,
        found: `<${found}>`,
        need: "QEMU confined by sVirt",
        fix: "remove that seclabel",
      });
    }
  },
);

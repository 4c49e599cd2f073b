import { domainPolicy } from "./kit";

export const confined = domainPolicy(
  {
    name: "confined",
    description: "QEMU stays confined by sVirt, and is not root.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "Confinement is what is left when a guest gets out of QEMU. Whether the host has it at all is no input: `npm run doctor` looks.",
    remediationSteps: "Remove the <seclabel> that switches it off or makes QEMU root.",
  },
  ({ name, labels }, report) => {
    for (const found of labels) {
      report(`The domain '${name}' must be confined, found <${found}>; remove that seclabel.`);
    }
  },
);

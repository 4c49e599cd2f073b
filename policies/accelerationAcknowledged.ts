import { domainPolicy, guestList } from "./kit";

export const accelerationAcknowledged = domainPolicy<{ readonly tcg: readonly string[] }>(
  {
    name: "acceleration-acknowledged",
    description: "A guest runs on KVM, or is listed as one that may run on TCG.",
    severity: "medium",
    enforcementLevel: "advisory",
    why: "Where KVM is not proven, the lab falls back to TCG, so that it runs anywhere. TCG is slow, and QEMU does not treat it as a security boundary. Make the policy mandatory where guests are not trusted.",
    remediationSteps: "Repair KVM (`npm run doctor` says how), or list the guest in tcg.",
    config: { tcg: guestList("Guests that may run on TCG.") },
  },
  ({ name, acceleration }, report, { tcg }) => {
    if (acceleration !== "tcg" || tcg.includes(name)) return;
    report({
      what: `guest '${name}'`,
      found: "TCG, which is slow and not a security boundary",
      need: "KVM",
      fix: `repair KVM (npm run doctor), or list '${name}' in tcg of this policy`,
    });
  },
);

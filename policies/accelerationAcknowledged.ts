import { domainPolicy, guestList } from "./kit";

export const accelerationAcknowledged = domainPolicy<{ readonly tcg: readonly string[] }>(
  {
    name: "acceleration-acknowledged",
    description: "A guest runs on KVM, or is named as one that runs on TCG.",
    severity: "medium",
    enforcementLevel: "advisory",
    why: "The lab takes TCG by itself where KVM is not proven, so that it runs anywhere; it is slow there, and QEMU does not promise to hold a guest without KVM. Make it mandatory where guests are not trusted.",
    remediationSteps: "Repair KVM (`npm run doctor` says how), or name the guest.",
    config: { tcg: guestList("Guests that may run on TCG.") },
  },
  ({ name, acceleration }, report, { tcg }) => {
    if (acceleration !== "tcg" || tcg.includes(name)) return;
    report(
      `The guest '${name}' must run on KVM, found TCG, which is slow and no boundary of security; ` +
        `repair KVM ('npm run doctor'), or name '${name}' in tcg of this policy.`,
    );
  },
);

import { domainPolicy } from "./kit";

export const shareMapped = domainPolicy(
  {
    name: "share-mapped-not-passthrough",
    description: "A 9p share is `mapped`: the guest's owners and modes never become the host's.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "passthrough needs QEMU to run as root, and puts the guest's set-uid files on the host.",
    remediationSteps: "Set accessmode to mapped. virtiofs has no such mode and is not checked.",
  },
  ({ name, shares }, report) => {
    for (const share of shares) {
      if (share.virtiofs || share.mode === "mapped") continue;
      report({
        what: `share of '${name}'`,
        found: `accessmode '${share.mode}'`,
        need: "mapped",
        fix: "set accessmode to mapped",
      });
    }
  },
);

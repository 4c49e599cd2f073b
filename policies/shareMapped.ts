import { domainPolicy } from "./kit";

export const shareMapped = domainPolicy(
  {
    name: "share-mapped-not-passthrough",
    description: "A 9p share is `mapped`: the guest's owners and modes never become the host's.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "passthrough wants QEMU to be root, and puts the guest's set-uid files on the host.",
    remediationSteps: "Set accessmode to mapped. virtiofs, which has no such mode, is let be.",
  },
  ({ name, shares }, report) => {
    for (const share of shares) {
      if (share.virtiofs || share.mode === "mapped") continue;
      report(
        `The share of '${name}' must be mapped, found accessmode '${share.mode}'; ` +
          "set accessmode to mapped.",
      );
    }
  },
);

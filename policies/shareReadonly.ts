import { domainPolicy, guestList } from "./kit";

export const shareReadonly = domainPolicy<{ readonly writable: readonly string[] }>(
  {
    name: "share-readonly",
    description: "A guest can only read its share, unless the guest is listed.",
    severity: "medium",
    enforcementLevel: "advisory",
    why: "By default the lab creates a writable folder for the guest, which suits your own machine. Make the policy mandatory where other people's guests run.",
    remediationSteps: "Set guests[].share.readonly to true, or list the guest in writable.",
    config: { writable: guestList("Guests that may write to their share.") },
  },
  ({ name, shares }, report, { writable }) => {
    if (writable.includes(name) || !shares.some((share) => !share.readonly)) return;
    report({
      what: `share of '${name}'`,
      found: "it writable",
      need: "it read-only",
      fix: `set guests[].share.readonly to true, or list '${name}' in writable of this policy`,
    });
  },
);

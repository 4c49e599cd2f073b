import { domainPolicy, guestList } from "./kit";

export const shareReadonly = domainPolicy<{ readonly writable: readonly string[] }>(
  {
    name: "share-readonly",
    description: "A guest only reads its share, unless it is named.",
    severity: "medium",
    enforcementLevel: "advisory",
    why: "The lab's own default is a writable folder made for the guest: right on a machine of one's own. Make it mandatory where others' guests run.",
    remediationSteps: "Set guests[].share.readonly to true, or name the guest.",
    config: { writable: guestList("Guests that may write to their share.") },
  },
  ({ name, shares }, report, { writable }) => {
    if (writable.includes(name) || !shares.some((share) => !share.readonly)) return;
    report(
      `The share of '${name}' must be read-only, found it writable; ` +
        `set guests[].share.readonly to true, or name '${name}' in writable of this policy.`,
    );
  },
);

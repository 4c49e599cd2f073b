import { domainPolicy } from "./kit";

export const spiceOnly = domainPolicy(
  {
    name: "spice-only",
    description: "SPICE is a domain's only display.",
    severity: "medium",
    enforcementLevel: "mandatory",
    why: "The page's display is SPICE. Another display is an entry that no other policy checks.",
    remediationSteps: "Declare one graphics device of type spice, and remove the others.",
  },
  ({ name, graphics }, report) => {
    for (const { type } of graphics.filter((g) => g.type !== "spice")) {
      report({
        what: `domain '${name}'`,
        found: `a display of type '${type}'`,
        need: "SPICE only",
        fix: "set graphics.type to spice, or remove that graphics device",
      });
    }
  },
);

import { domainPolicy } from "./kit";

export const spiceOnly = domainPolicy(
  {
    name: "spice-only",
    description: "A domain shows its screen by SPICE, and by nothing else.",
    severity: "medium",
    enforcementLevel: "mandatory",
    why: "The page's display is SPICE; a second one is a second door that no other policy watches.",
    remediationSteps: "Declare one graphics device of type spice, and remove the others.",
  },
  ({ name, graphics }, report) => {
    for (const { type } of graphics.filter((g) => g.type !== "spice")) {
      report(
        `The domain '${name}' must show its screen by SPICE only, found '${type}'; ` +
          "set graphics.type to spice, or remove that graphics device.",
      );
    }
  },
);

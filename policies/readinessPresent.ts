import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { faultText } from "../core/fault";
import { gateFault, PAGE_FLOORS } from "../core/requirement";
import { LabPolicy, policyOf } from "./kit";

const GUEST = "mirlab:index:Guest";
const READINESS = "pulumi-nodejs:dynamic/mir:MirReadiness";

/** `mir` of `urn:pulumi:dev::mirlab::mirlab:index:Guest::mir` */
const nameOf = (resource: PolicyResource): string => resource.urn.split("::").at(-1) ?? "";

export const readinessPresent: StackValidationPolicy & LabPolicy = {
  ...policyOf({
    name: "readiness-present",
    description: "Every guest has one MirReadiness, with gates not below the page's.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "Nothing is known about a guest that is not checked.",
    remediationSteps:
      "Declare guests by components/lab/guest.resource.ts. Raise guests[].gates, or drop them.",
  }),
  validateStack: ({ resources }, report) => {
    const readiness = resources.filter((r) => r.type === READINESS);
    for (const guest of resources.filter((r) => r.type === GUEST)) {
      const own = readiness.filter((r) => nameOf(r) === `${nameOf(guest)}-readiness`);
      if (own.length !== 1) {
        const fault = {
          what: `guest '${nameOf(guest)}'`,
          found: `${own.length} resources MirReadiness`,
          need: "exactly one",
          fix: "declare the guest by components/lab/guest.resource.ts",
        };
        report(faultText(fault), guest.urn);
      }
    }
    for (const resource of readiness) {
      const gates = (resource.props as { gates?: Record<string, string> }).gates ?? {};
      for (const key of ["kernel", "mesa"] as const) {
        const found = gates[key] ?? "";
        if (gateFault(found, PAGE_FLOORS[key]) === undefined) continue;
        const fault = {
          what: `gate ${key} of '${nameOf(resource)}'`,
          found: `'${found.slice(0, 40)}'`,
          need: `the page's '${PAGE_FLOORS[key].text}' or higher`,
          fix: `raise guests[].gates.${key}, or drop the key`,
        };
        report(faultText(fault), resource.urn);
      }
    }
  },
};

import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { gateFault, PAGE_FLOORS } from "../core/requirement";
import { LabPolicy, policyOf } from "./kit";

const GUEST = "mirlab:index:Guest";
const READINESS = "pulumi-nodejs:dynamic/mir:MirReadiness";

/** `mir` of `urn:pulumi:dev::mirlab::mirlab:index:Guest::mir` */
const nameOf = (resource: PolicyResource): string => resource.urn.split("::").at(-1) ?? "";

/** A guest that nobody asks is a guest of which nothing is known. */
export const readinessPresent: StackValidationPolicy & LabPolicy = {
  ...policyOf({
    name: "readiness-present",
    description: "Every guest has one MirReadiness, with gates not below the page's.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "A guest that nobody asks is a guest of which nothing is known.",
    remediationSteps:
      "Declare guests by components/lab/guest.resource.ts; raise guests[].gates, or drop them.",
  }),
  validateStack: ({ resources }, report) => {
    const readiness = resources.filter((r) => r.type === READINESS);
    for (const guest of resources.filter((r) => r.type === GUEST)) {
      const own = readiness.filter((r) => nameOf(r) === `${nameOf(guest)}-readiness`);
      if (own.length !== 1) {
        report(
          `The guest '${nameOf(guest)}' must have exactly one MirReadiness, found ${own.length}; ` +
            "declare it by components/lab/guest.resource.ts.",
          guest.urn,
        );
      }
    }
    for (const resource of readiness) {
      const gates = (resource.props as { gates?: Record<string, string> }).gates ?? {};
      for (const key of ["kernel", "mesa"] as const) {
        const fault = gateFault(gates[key] ?? "", PAGE_FLOORS[key]);
        if (fault !== undefined) {
          report(`The gate ${key} of '${nameOf(resource)}' must hold: ${fault}.`, resource.urn);
        }
      }
    }
  },
};

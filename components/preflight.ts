import * as pulumi from "@pulumi/pulumi";
import { HostAccess } from "../io/hostAccess";
import { hostFacts } from "../io/hostFacts";
import { checkHost, findingText } from "../lib/hostChecks";
import { HostFacts } from "../lib/hostFacts";
import { Lab } from "../lib/labSchema";

/** Refuses a lab that its host cannot carry, before anything is touched: all faults at once. */
export async function preflight(lab: Lab, access: HostAccess, stack: string): Promise<HostFacts> {
  const facts = await hostFacts(access.target, lab);
  const findings = checkHost(facts, lab, stack);
  for (const finding of findings.filter((f) => f.severity === "warn")) {
    void pulumi.log.warn(findingText(finding));
  }
  const faults = findings.filter((f) => f.severity === "fail");
  if (faults.length === 0) return facts;
  const lines = faults.map(
    (f) => `  ${f.path === undefined ? "" : `${f.path}: `}${findingText(f)}`,
  );
  throw new pulumi.RunError(
    [
      `the host cannot carry this lab: ${faults.length} fault(s); nothing was touched`,
      ...lines,
    ].join("\n"),
  );
}

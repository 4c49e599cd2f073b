import * as pulumi from "@pulumi/pulumi";
import { HostAccess, hostAccess } from "../host/access.io";
import { hostFacts } from "../host/facts.io";
import { checkHost } from "../host/checks";
import { findingText } from "../host/checks/finding";
import { HostFacts } from "../host/facts";
import { Lab } from "../../config/schema";
import { refuse } from "./refusal.resource";

/** How to reach the host, and its facts. */
export interface Preflight {
  readonly access: HostAccess;
  readonly facts: HostFacts;
}

/** Checks the host before anything is changed, and refuses the lab with all faults at once. */
export async function preflight(lab: Lab, stack: string): Promise<Preflight> {
  const asked = await askHost(lab, stack);
  const findings = checkHost(asked.facts, lab, stack);
  for (const finding of findings.filter((f) => f.severity === "warn")) {
    void pulumi.log.warn(findingText(finding));
  }
  const faults = findings.filter((f) => f.severity === "fail");
  if (faults.length === 0) return asked;
  refuse(
    `the host is not ready for this lab: ${faults.length} fault(s); nothing was touched`,
    ...faults.map((f) => `  ${f.path === undefined ? "" : `${f.path}: `}${findingText(f)}`),
  );
}

async function askHost(lab: Lab, stack: string): Promise<Preflight> {
  try {
    const access = hostAccess(lab.host, stack);
    return { access, facts: await hostFacts(access.target, lab) };
  } catch (error) {
    refuse((error as Error).message);
  }
}

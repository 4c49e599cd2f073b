import * as pulumi from "@pulumi/pulumi";
import { Lab } from "../../config/schema";
import { readLabTexts } from "../../config/lab";
import { refuse } from "./refusal.resource";

/** The lab that this stack's configuration declares. Refuses once, with all faults. */
export function labOfStack(): Lab {
  const config = new pulumi.Config();
  const prefix = `${config.name}:`;
  const texts = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const { lab, faults } = readLabTexts(texts);
  if (lab !== undefined) return lab;
  refuse(
    `Pulumi.${pulumi.getStack()}.yaml: ${faults.length} fault(s); nothing was touched`,
    ...faults.map(({ path, reason }) => `  ${prefix}${path}: ${reason}`),
  );
}

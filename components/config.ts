import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { Lab } from "../lib/labSchema";
import { readLab } from "../lib/labConfig";
import { refuse } from "./refusal";

/** The lab that this stack's configuration declares. Throws once, with every fault. */
export function labOfStack(): Lab {
  const config = new pulumi.Config();
  const prefix = `${config.name}:`;
  const raw = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      // Structured values arrive as JSON, which YAML reads too, and plain words stay words.
      .map(([key, value]) => [key.slice(prefix.length), parse(value) as unknown]),
  );
  const { lab, faults } = readLab(raw);
  if (lab !== undefined) return lab;
  refuse(
    `Pulumi.${pulumi.getStack()}.yaml: ${faults.length} fault(s); nothing was touched`,
    ...faults.map(({ path, reason }) => `  ${prefix}${path}: ${reason}`),
  );
}

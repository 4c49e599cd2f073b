import { Secret } from "@pulumi/policy";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { plainSecrets } from "../core/plainSecrets";
import { About, LabPolicy, policyOf, settings, unproxied } from "./kit";

interface Config {
  readonly patterns: readonly string[];
}

/** By URN, the paths that the engine handed over as secrets: only remediations are told. */
const secretPaths = new Map<string, readonly string[]>();

const about: About<Config> = {
  name: "no-secret-in-plain-input",
  description: "No private key, password or canary stands in an input that is not marked secret.",
  severity: "critical",
  // An engine tells which inputs are secret to remediations alone; this one only looks.
  enforcementLevel: "remediate",
  why: "A plain input is written to the state, to its backups and to every export. The level is `remediate` because only so the engine tells which inputs are secret; nothing is changed, and a finding stops `up` as a mandatory one does. At another level all inputs but SSH connections count as plain.",
  remediationSteps:
    "Keep it in a file of mode 0600 and hand over the path; or wrap it in pulumi.secret().",
  config: {
    patterns: {
      ...{ type: "array", items: { type: "string", minLength: 4 }, default: [] },
      description: "More texts that must not be seen, as regular expressions: canaries.",
    },
  },
};

export const noSecretInPlainInput: ResourceValidationPolicy & LabPolicy = {
  ...policyOf(about),
  remediateResource: ({ urn, props }) => {
    secretPaths.set(urn, pathsOfSecrets(unproxied(props)));
  },
  validateResource: ({ type, name, urn, props, getConfig }, report) => {
    const { patterns } = settings(about, getConfig());
    const told = secretPaths.get(urn);
    // @pulumi/command marks its connections itself, and of one that a refresh has read the engine
    // no longer tells so.
    const marked = type.startsWith("command:remote:") ? ["connection"] : [];
    const secret = [...(told ?? []), ...marked];
    for (const { path, what } of plainSecrets(unproxied(props), secret, patterns)) {
      report(
        `The input ${path} of '${name}' must not be plain, found ${what}; ` +
          "keep it in a file of mode 0600 and hand over the path, or wrap it in pulumi.secret().",
      );
    }
  },
};

/** Paths of the values that are marked, e.g. `connection.password`. */
function pathsOfSecrets(value: unknown, path = ""): string[] {
  if (value instanceof Secret) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOfSecrets(inner, path === "" ? key : `${path}.${key}`),
  );
}

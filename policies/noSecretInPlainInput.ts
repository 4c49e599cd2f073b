import { Secret } from "@pulumi/policy";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { faultText } from "../core/fault";
import { plainSecrets } from "../core/plainSecrets";
import { About, LabPolicy, policyOf, settings, unproxied } from "./kit";

interface Config {
  readonly patterns: readonly string[];
}

/** The paths of secret inputs, by URN: the engine reports them only to remediations. */
const secretPaths = new Map<string, readonly string[]>();

const about: About<Config> = {
  name: "no-secret-in-plain-input",
  description: "No input that is not marked secret has a private key, password or canary.",
  severity: "critical",
  // The engine reports which inputs are secret only to remediations; this one changes nothing.
  enforcementLevel: "remediate",
  why: "A plain input is written to the state, to its backups and to every export. The level is `remediate` because the engine reports only to remediations which inputs are secret. Nothing is changed, and a finding stops `up` like that of a mandatory policy. At another level all inputs except SSH connections count as plain.",
  remediationSteps:
    "Keep it in a file of mode 0600 and pass the path, or wrap it in pulumi.secret().",
  config: {
    patterns: {
      ...{ type: "array", items: { type: "string", minLength: 4 }, default: [] },
      description: "More texts that must not appear, as regular expressions: canaries.",
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
    const reported = secretPaths.get(urn);
    // @pulumi/command marks its connections as secret, but after a refresh the engine no longer
    // reports that.
    const marked = type.startsWith("command:remote:") ? ["connection"] : [];
    const secret = [...(reported ?? []), ...marked];
    for (const { path, what } of plainSecrets(unproxied(props), secret, patterns)) {
      report(
        faultText({
          what: `input ${path} of '${name}'`,
          found: what,
          need: "no secret in plain text",
          fix: "keep it in a file of mode 0600 and pass the path, or wrap it in pulumi.secret()",
        }),
      );
    }
  },
};

/** Paths of the values that are marked secret, e.g. `connection.password`. */
function pathsOfSecrets(value: unknown, path = ""): string[] {
  if (value instanceof Secret) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOfSecrets(inner, path === "" ? key : `${path}.${key}`),
  );
}

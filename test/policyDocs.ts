/** The sections of docs/policies.md, from the policies' own data. */
import { POLICIES } from "../policies/policies";

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

type Policy = (typeof POLICIES)[number];

function section(policy: Policy): string {
  const { name, description, severity, enforcementLevel, why, remediationSteps } = policy;
  const keys = Object.entries(policy.configSchema?.properties ?? {}).map(
    ([key, schema]) => `| ${code(key)} | ${code(schema.default)} | ${schema.description ?? ""} |`,
  );
  const table =
    keys.length === 0 ? [] : ["| setting | default | meaning |", "|---|---|---|", ...keys, ""];
  return [
    `### ${name}`,
    "",
    `${description} Severity: ${severity}; level: ${enforcementLevel}.`,
    "",
    `**Why.** ${why}`,
    "",
    `**Fix.** ${remediationSteps}`,
    "",
    ...table,
  ].join("\n");
}

/** An overview, then each policy. */
export function policySections(): string {
  const rows = POLICIES.map(
    ({ name, severity, enforcementLevel, description }) =>
      `| [${name}](#${name}) | ${enforcementLevel} | ${severity} | ${description} |`,
  );
  const overview = [
    "| policy | level | severity | what has to be so |",
    "|---|---|---|---|",
    ...rows,
  ];
  return `${overview.join("\n")}\n\n${POLICIES.map(section).join("\n")}`;
}

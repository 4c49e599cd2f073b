/** What the engine's events say of the policies. Pure. */
import { z } from "zod";

const event = z.looseObject({
  policyEvent: z
    .looseObject({
      policyName: z.string(),
      policyPackName: z.string(),
      message: z.string(),
      enforcementLevel: z.string(),
      resourceUrn: z.string().optional(),
    })
    .optional(),
});

/** The parts of a policy that a report shows. */
export interface PolicyFacts {
  readonly name: string;
  readonly severity: string;
  readonly remediationSteps: string;
}

export interface PolicyFinding {
  /** Name of the resource; empty: the stack. */
  readonly resource: string;
  readonly message: string;
}

/**
 * `unknown`: an input that it reads is not known before `up`, which asks again before it makes the
 * resource.
 */
export type PolicyStatus = "ok" | "advisory" | "violated" | "unknown";

export interface PolicyResult {
  readonly name: string;
  readonly severity: string;
  readonly status: PolicyStatus;
  readonly findings: readonly PolicyFinding[];
  readonly fix: string;
}

/** Version 1 of what `npm run policy -- --json` prints. */
export interface PolicyReport {
  readonly version: 1;
  readonly of: string;
  readonly counts: Readonly<Record<PolicyStatus, number>>;
  readonly policies: readonly PolicyResult[];
}

const PACK = "mirlab";
const UNKNOWN = /^can't run policy /;

type EngineFinding = PolicyFinding & { readonly policy: string; readonly status: PolicyStatus };

/** The policy events in the engine's log: a JSON object a line. Throws when it is none. */
function findingsIn(log: string): EngineFinding[] {
  const lines = log.split("\n").filter((line) => line.startsWith("{"));
  if (lines.length === 0) throw new Error("the engine reported nothing");
  return lines.flatMap((line) => {
    const { policyEvent: found } = event.parse(JSON.parse(line));
    if (found?.policyPackName !== PACK) return [];
    const text = found.message.replaceAll(/<\{%.*?%\}>/g, "").trim();
    const unknown = UNKNOWN.test(text);
    // The engine puts the policy's description on the first line.
    const message = unknown ? text : text.split("\n").slice(1).join("\n") || text;
    const level = found.enforcementLevel === "advisory" ? "advisory" : "violated";
    const resource = found.resourceUrn?.split("::").at(-1) ?? "";
    return [{ policy: found.policyName, status: unknown ? "unknown" : level, resource, message }];
  });
}

/** The worst of several. */
function worst(all: readonly PolicyStatus[]): PolicyStatus {
  return (["violated", "advisory", "unknown"] as const).find((s) => all.includes(s)) ?? "ok";
}

export function policyReport(
  log: string,
  policies: readonly PolicyFacts[],
  of: string,
): PolicyReport {
  const found = findingsIn(log);
  const stranger = found.find((t) => !policies.some((p) => p.name === t.policy));
  if (stranger !== undefined) throw new Error(`no policy is named ${stranger.policy}`);
  const results = policies.map(({ name, severity, remediationSteps }): PolicyResult => {
    const own = found.filter((t) => t.policy === name);
    const status = worst(own.map((t) => t.status));
    const findings = own
      .filter((t) => t.status === status)
      .map(({ resource, message }) => ({ resource, message }));
    return { name, severity, status, findings, fix: remediationSteps };
  });
  const count = (status: PolicyStatus): number => results.filter((r) => r.status === status).length;
  const counts = {
    ...{ ok: count("ok"), advisory: count("advisory") },
    ...{ violated: count("violated"), unknown: count("unknown") },
  };
  return { version: 1, of, counts, policies: results };
}

const MARKS: Readonly<Record<PolicyStatus, string>> = {
  ...{ ok: "ok  ", advisory: "WARN", violated: "FAIL", unknown: "?   " },
};

/** The report for a person. */
export function policyText({ of, counts, policies }: PolicyReport): string {
  const lines = policies.flatMap(({ name, severity, status, findings }) => {
    const indent = " ".repeat(8);
    if (status === "ok") return [`  ${MARKS.ok}  ${name}`];
    const resources = findings.map((f) => f.resource).join(", ");
    if (status === "unknown")
      return [
        `  ${MARKS.unknown}  ${name}`,
        `${indent}asked by 'up', which knows more: ${resources}`,
      ];
    return [
      `  ${MARKS[status]}  ${name} (${severity})`,
      ...findings.map((f) => indent + f.message.replaceAll("\n", `\n${indent}`)),
    ];
  });
  const unknown = counts.unknown === 0 ? "" : `, ${counts.unknown} not known before up`;
  return [
    ...lines,
    `policy: ${of}: ${counts.ok} ok, ${counts.advisory} advisory, ${counts.violated} violated${unknown}`,
  ].join("\n");
}

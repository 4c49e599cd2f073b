/** The doctor's report: for people, for `up`, for programs. Pure. */
import { z } from "zod";
import { Finding, findingText, GROUPS, SEVERITIES } from "../components/host/checks/finding";

type Severity = Finding["severity"];

const count = z.int().min(0);

/** What `npm run doctor -- --json` prints. A change that readers would notice raises the version. */
export const doctorReport = z.union([
  z.strictObject({
    version: z.literal(1),
    stack: z.string(),
    /** Address of host.ssh, or `this machine`. */
    host: z.string(),
    counts: z.strictObject({ ok: count, info: count, warn: count, fail: count }),
    findings: z.array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9-]+$/),
        group: z.enum(GROUPS),
        severity: z.enum(SEVERITIES),
        path: z.string().optional(),
        found: z.string(),
        required: z.string(),
        fix: z.string(),
      }),
    ),
  }),
  // The host could not be asked: exit code 2.
  z.strictObject({ version: z.literal(1), error: z.string() }),
]);
export type DoctorReport = z.output<typeof doctorReport>;

function countsOf(findings: readonly Finding[]): Record<Severity, number> {
  const of = (severity: Severity): number => findings.filter((f) => f.severity === severity).length;
  return { ok: of("ok"), info: of("info"), warn: of("warn"), fail: of("fail") };
}

export function reportOf(findings: readonly Finding[], stack: string, host: string): DoctorReport {
  const reported = findings.map(({ id, group, severity, path, found, required, fix }) => ({
    ...{ id, group, severity },
    ...(path === undefined ? {} : { path }),
    ...{ found, required, fix },
  }));
  return { version: 1, stack, host, counts: countsOf(findings), findings: reported };
}

const many = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

/** `doctor: 14 ok, 2 notes, 2 warnings, 0 failures` */
function lastLine(findings: readonly Finding[]): string {
  const { ok, info, warn, fail } = countsOf(findings);
  const parts = [`${ok} ok`, many(info, "note"), many(warn, "warning"), many(fail, "failure")];
  return `doctor: ${parts.join(", ")}`;
}

const MARK: Readonly<Record<Severity, string>> = {
  ok: "ok",
  info: "note",
  warn: "WARN",
  fail: "FAIL",
};
const COLOUR: Readonly<Record<Severity, number>> = { ok: 32, info: 36, warn: 33, fail: 31 };

/** All findings by group, aligned, with the fix below what is not ok. */
export function reportText(findings: readonly Finding[], colours: boolean): string {
  const width = Math.max(...findings.map((f) => f.id.length));
  const mark = (severity: Severity): string => {
    const text = MARK[severity].padEnd(4);
    return colours ? `\u001b[${COLOUR[severity]}m${text}\u001b[0m` : text;
  };
  const lines = GROUPS.flatMap((group) => {
    const mine = findings.filter((f) => f.group === group);
    if (mine.length === 0) return [];
    return [
      group,
      ...mine.flatMap((f) => {
        const bad = f.severity === "warn" || f.severity === "fail";
        const key = bad && f.path !== undefined ? `${f.path}: ` : "";
        const need = bad ? `; need ${f.required}` : "";
        const line = `  ${mark(f.severity)}  ${f.id.padEnd(width)}  ${key}${f.found}${need}`;
        const fix =
          f.severity === "ok" || f.fix === "" ? [] : [`${" ".repeat(width + 10)}fix: ${f.fix}`];
        return [line, ...fix];
      }),
    ];
  });
  return [...lines, lastLine(findings)].join("\n");
}

/**
 * What `up` says before it starts: what each failure needs, what each warning found, and the count.
 * Warnings come with every run, so their fixes are left to the doctor.
 */
export function briefText(findings: readonly Finding[]): string {
  const of = (severity: Severity): readonly Finding[] =>
    findings.filter((f) => f.severity === severity);
  const key = ({ path }: Finding): string => (path === undefined ? "" : `${path}: `);
  const more = of("warn").length === 0 ? "" : "; 'npm run doctor' shows the fixes";
  return [
    ...of("fail").map((f) => `doctor: FAIL ${key(f)}${findingText(f)}`),
    ...of("warn").map((f) => `doctor: WARN ${key(f)}${f.id}: ${f.found}`),
    lastLine(findings) + more,
  ].join("\n");
}

/** 0: nothing stands in the way; 1: something does. 2 is for a host that could not be asked. */
export function exitCode(findings: readonly Finding[]): 0 | 1 {
  return findings.some((f) => f.severity === "fail") ? 1 : 0;
}

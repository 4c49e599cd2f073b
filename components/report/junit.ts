/** The verdicts of a guest as JUnit XML, for CI. Pure. */
import { Tier, Verdict, verdictText } from "../../core/verdict";
import { Evidence, failing } from "./evidence";
import { plainText, shortened } from "../../core/plainText";
import { toXml, Tree } from "../../core/xml";

const TIERS: readonly Tier[] = ["boot", "graphics", "session"];

/** Longest text of one element, characters. */
const MAX_CHARS = 10_000;

/**
 * The serializer refuses control characters, which XML cannot carry. Readers, including ours, take
 * a replacement character for a wrong encoding.
 */
const plain = (text: string): string =>
  shortened(plainText(text), MAX_CHARS).replaceAll("\ufffd", "?");

/** Readers show an attribute on one line. */
const line = (text: string): string => plain(text).replaceAll(/\s+/g, " ");

type Outcome = "passed" | "failure" | "error" | "skipped";

/**
 * A red test makes a pipeline red, so a test is red exactly when its check fails the deploy: a
 * warning passes, with its text as output. `failure` means a failed assertion, `error` one that
 * could not be evaluated.
 */
function outcome(v: Verdict): Outcome {
  if (v.status === "skipped") return "skipped";
  if (v.status === "met" || !v.fatal) return "passed";
  return v.status === "unmet" ? "failure" : "error";
}

/**
 * Repeats the message in the body: GitLab shows the body, GitHub's reporters and Jenkins show the
 * message first.
 */
function result(v: Verdict): Tree {
  const message = line(`found ${v.found}; need ${v.required}`);
  const body = plain(`${verdictText(v)}\nmore: docs/checks.md#${v.id}`);
  switch (outcome(v)) {
    case "skipped":
      return ["skipped", { message: line(v.found) }];
    case "failure":
      return ["failure", { message, type: "unmet" }, body];
    case "error":
      return ["error", { message, type: "unknown" }, body];
    case "passed":
      return ["system-out", {}, v.status === "met" ? plain(verdictText(v)) : `warning: ${body}`];
  }
}

/** The fault that ended the look if no check failed: otherwise a run without checks would be green. */
function faultOf(evidence: Evidence): Tree | undefined {
  if (evidence.ready || failing(evidence.verdicts).length > 0) return undefined;
  const fault = evidence.fault ?? "the guest is not ready";
  const message = line(fault.split("\n")[0] ?? "");
  return ["error", { message, type: "not reached" }, plain(fault)];
}

/**
 * One suite per tier. Jenkins uses the class name up to its last dot as the package; GitLab shows
 * the class name as the suite.
 */
export function junit(evidence: Evidence): string {
  // UTC without zone and fraction: the strictest schema (Ant's) allows nothing else.
  const timestamp = evidence.time.slice(0, 19);
  // The attribute is mandatory, but the time of a single check is not measured.
  const time = "0";
  const fault = faultOf(evidence);
  const suites = TIERS.flatMap((tier) => {
    const classname = line(`mirlab.${evidence.guest}.${tier}`);
    const own = evidence.verdicts.filter((v) => v.tier === tier);
    const ended = tier === "boot" && fault !== undefined;
    if (own.length === 0 && !ended) return [];
    const cases: Tree[] = own.map((v) => [
      "testcase",
      { name: line(v.id), classname, time },
      result(v),
    ]);
    if (ended) cases.unshift(["testcase", { name: "guest-looked-at", classname, time }, fault]);
    const of = (wanted: Outcome): number => own.filter((v) => outcome(v) === wanted).length;
    const counts = {
      tests: cases.length,
      failures: of("failure"),
      errors: of("error") + (ended ? 1 : 0),
      skipped: of("skipped"),
    };
    const suite: Tree = ["testsuite", { name: classname, ...counts, time, timestamp }, ...cases];
    return [{ counts, suite }];
  });
  const sum = (key: "tests" | "failures" | "errors" | "skipped"): number =>
    suites.reduce((total, { counts }) => total + counts[key], 0);
  const totals = { tests: sum("tests"), failures: sum("failures"), errors: sum("errors") };
  const name = line(`mirlab ${evidence.stack} ${evidence.guest}`);
  const root: Tree = [
    "testsuites",
    { name, ...totals, skipped: sum("skipped"), time },
    ...suites.map(({ suite }) => suite),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>\n${toXml(root)}\n`;
}

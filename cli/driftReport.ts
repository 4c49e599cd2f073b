/** What `pulumi preview --json` says of drift. Pure. */
import { z } from "zod";

const state = z.looseObject({
  inputs: z.looseObject({ drift: z.array(z.string()).optional() }).optional(),
  outputs: z
    .looseObject({ reasons: z.array(z.string()).optional(), status: z.string().optional() })
    .optional(),
});
const preview = z.looseObject({
  changeSummary: z.record(z.string(), z.number()),
  steps: z.array(
    z.looseObject({
      op: z.string(),
      urn: z.string(),
      oldState: state.optional(),
      diffReasons: z.array(z.string()).nullish(),
    }),
  ),
});

/** One resource that is not as declared. */
export interface DriftedResource {
  /** Name in the stack, e.g. `mir-vm-domain`. */
  readonly name: string;
  readonly type: string;
  /** What `up` would do: `update`, `create`, `replace`, ... */
  readonly op: string;
  /** Each difference in words; empty for a resource that only follows another one's. */
  readonly drift: readonly string[];
}

/** Version 1 of what `npm run drift -- --json` prints. */
export interface DriftReport {
  readonly version: 1;
  readonly stack: string;
  readonly resources: readonly DriftedResource[];
}

/** `same` is no step of `up`, and a refresh only looks. */
const QUIET = new Set(["same", "refresh", "read"]);

/** Reads the preview. Throws when it is not one: that is no answer, and never `none`. */
export function driftReport(answer: string, stack: string): DriftReport {
  const { steps, changeSummary } = preview.parse(JSON.parse(answer));
  const resources = steps
    .filter(({ op }) => !QUIET.has(op))
    .map(({ op, urn, oldState, diffReasons }) => {
      const [, , types = "", name = ""] = urn.split("::");
      const reasons = oldState?.outputs?.reasons ?? [];
      const known = [...(oldState?.inputs?.drift ?? []), ...reasons];
      const fields = (diffReasons ?? []).map((field) => `${field}: not as declared`);
      return {
        ...{ name, type: types.split("$").at(-1) ?? "", op },
        drift: known.length > 0 ? known : fields,
      };
    });
  const counted = Object.entries(changeSummary).filter(([op, n]) => !QUIET.has(op) && n > 0);
  if (counted.length > 0 && resources.length === 0) throw new Error("changes without steps");
  return { version: 1, stack, resources };
}

/** The report for a person. */
export function driftText({ stack, resources }: DriftReport): string {
  const lines = resources.flatMap(({ name, op, drift }) =>
    drift.length === 0
      ? [`${name}: ${op}, because it depends on a changed resource`]
      : drift.map((words) => `${name}: ${words}`),
  );
  const count = resources.filter((r) => r.drift.length > 0 || r.op !== "update").length;
  const last =
    resources.length === 0
      ? `no drift in ${stack}`
      : `drift in ${stack}: ${count} resource(s); 'npm run up' puts it right`;
  return [...lines, last].join("\n");
}

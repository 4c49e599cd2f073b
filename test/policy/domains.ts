// Shared by the tests of a domain's policies: the cases of one policy, and their tests.
import assert from "node:assert/strict";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { beside, Given, lab, said, sheet, SPEC } from "./support";

process.env.MIRLAB_HOME = "/work-home";

export interface Case {
  readonly policy: ResourceValidationPolicy;
  /** Violations, each with all its messages. */
  readonly wrong: readonly (readonly [claim: string, given: Given, messages: readonly string[]])[];
  /** Resources that hold besides the good domains. */
  readonly right?: readonly (readonly [claim: string, given: Given])[];
  /** A setting that changes the messages for a resource. */
  readonly override?: readonly [config: object, given: Given, messages: readonly string[]];
  /** An input that is unknown in a preview, and its path; unset: the policy reads none. */
  readonly unknown?: readonly [given: Given, path: RegExp];
}

export const SHARE = { path: "/srv/mir", tag: "share", readonly: true };
export const xslt = (elements: string): object => ({ xml: { xslt: sheet(elements) } });

const GOOD: readonly (readonly [claim: string, given: Given])[] = [
  ["the lab's", lab()],
  ["one beside it", beside()],
  [
    "an adopted one",
    {
      type: "pulumi-nodejs:dynamic/mir:AdoptedDomain",
      props: {
        ...{ domain: "old", stack: "dev", guest: "mir", wantedAcceleration: "auto" },
        ...{ spice: SPEC.spice, video: SPEC.video, share: SHARE, shareTag: "share" },
      },
    },
  ],
  ["a resource that is not a domain", { type: "command:local:Command", props: { create: "true" } }],
];

/** The tests of a policy's cases, each with its name. */
export function testsOf(cases: Case): [name: string, test: () => Promise<void>][] {
  const { policy, wrong, right = [], override, unknown } = cases;
  const tests: [string, () => Promise<void>][] = [];
  for (const [claim, given] of [...GOOD, ...right]) {
    tests.push([`holds for ${claim}`, async () => assert.deepEqual(await said(policy, given), [])]);
  }
  for (const [claim, given, messages] of wrong) {
    tests.push([
      `names ${claim}`,
      async () => assert.deepEqual(await said(policy, given), messages),
    ]);
  }
  if (override !== undefined) {
    const [config, given, messages] = override;
    tests.push([
      `applies its setting ${Object.keys(config).join(", ")}`,
      async () => assert.deepEqual(await said(policy, given, config), messages),
    ]);
  }
  if (unknown !== undefined) {
    const [given, path] = unknown;
    tests.push([
      "throws while an input that it reads is unknown",
      async () => assert.rejects(said(policy, given), path),
    ]);
  }
  return tests;
}

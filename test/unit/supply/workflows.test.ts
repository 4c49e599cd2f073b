import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";

const ROOT = resolve(__dirname, "..", "..", "..");
const IN_USE = ".github/workflows/";

/** Every workflow that GitHub runs, and every example of one. */
function workflows(): string[] {
  const files = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.yml", "*.yaml"],
    { cwd: ROOT, encoding: "utf8" },
  );
  const isOne = (file: string): boolean =>
    file.startsWith(IN_USE) || (file.startsWith("examples/") && /^jobs:/m.test(text(file)));
  return files.trim().split("\n").filter(isOne);
}
const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every value of the key, at any depth. */
function valuesOf(key: string, node: unknown): unknown[] {
  if (Array.isArray(node)) return node.flatMap((inner) => valuesOf(key, inner));
  if (!isRecord(node)) return [];
  return Object.entries(node).flatMap(([name, value]) => [
    ...(name === key ? [value] : []),
    ...valuesOf(key, value),
  ]);
}

/** Faults of a workflow. A hash of zeros is a placeholder, valid in an example only. */
function faults(yaml: string, example = false): string[] {
  const workflow: unknown = parse(yaml);
  const pinned = (use: unknown): boolean =>
    typeof use === "string" &&
    /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(use) &&
    (example || !use.endsWith("@" + "0".repeat(40)));
  const harmless = (rights: unknown): boolean =>
    isRecord(rights) &&
    Object.values(rights).every((right) => right === "read" || right === "none");
  const top = isRecord(workflow) ? workflow.permissions : undefined;
  const runs = valuesOf("run", workflow).filter((script) => typeof script === "string");
  const triggers = isRecord(workflow) ? JSON.stringify(workflow.on) : "";
  return [
    ...valuesOf("uses", workflow).flatMap((use) =>
      pinned(use) ? [] : [`found action ${String(use)}; need a full commit hash`],
    ),
    ...(top === undefined ? ["found no permissions of the workflow; need them"] : []),
    ...valuesOf("permissions", workflow).flatMap((rights) =>
      harmless(rights) ? [] : [`found permissions ${JSON.stringify(rights)}; need read or none`],
    ),
    ...runs.flatMap((script) =>
      script.includes("${{") ? [`found \${{ }} in a script; need env: ${script}`] : [],
    ),
    ...(/pull_request_target|workflow_run/.test(triggers)
      ? ["found a trigger that gives a stranger's code the base's token; need another trigger"]
      : []),
  ];
}

describe("a workflow", () => {
  const files = workflows();

  it("exists", () => assert.ok(files.includes(".github/workflows/ci.yml")));

  for (const file of files) {
    it(`${file} pins its actions and has no right to write`, () => {
      assert.deepEqual(faults(text(file), !file.startsWith(IN_USE)), []);
    });
  }

  const hash = "0123456789abcdef0123456789abcdef01234567";
  const of = (head: string, step: string): string =>
    `on: push\n${head}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - ${step}\n`;
  const READ = "permissions: { contents: read }";

  it("is valid with a pinned action and read rights", () => {
    assert.deepEqual(faults(of(READ, `uses: actions/checkout@${hash}`)), []);
  });

  const WRONG: Readonly<Record<string, string>> = {
    "an action by tag": of(READ, "uses: actions/checkout@v5"),
    "an action by branch": of(READ, "uses: actions/checkout@main"),
    "a short hash": of(READ, "uses: actions/checkout@0123456"),
    "a placeholder": of(READ, `uses: actions/checkout@${"0".repeat(40)}`),
    "an image": of(READ, "uses: docker://debian:12"),
    "no permissions": of("", "run: 'true'"),
    "write-all": of("permissions: write-all", "run: 'true'"),
    "one right to write": of("permissions: { contents: write }", "run: 'true'"),
    "a stranger's title in a script": of(READ, "run: echo ${{ github.event.issue.title }}"),
    "the base's token for strangers": of(READ, "run: 'true'").replace(
      "push",
      "pull_request_target",
    ),
  };
  for (const [what, yaml] of Object.entries(WRONG)) {
    it(`is refused with ${what}`, () => assert.equal(faults(yaml).length, 1));
  }
});

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";

const ROOT = resolve(__dirname, "..", "..");
const example = (name: string): string =>
  readFileSync(join(ROOT, "examples", "drift", name), "utf8");

interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}
interface Job {
  readonly "runs-on": unknown;
  readonly permissions?: unknown;
  readonly steps: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}

/** Checks the syntax without running the text. */
const assertBash = (text: string): void =>
  void execFileSync("bash", ["-n", "-c", text], { stdio: "pipe" });

describe("the workflow example", () => {
  const { permissions, jobs } = parse(example("github-actions.yml")) as Workflow;
  const all = Object.values(jobs);
  const steps = all.flatMap((job) => job.steps);
  it("has only the permission to read the repository", () => {
    assert.deepEqual(permissions, { contents: "read" });
    for (const job of all) assert.equal(job.permissions, undefined);
  });
  it("pins every action by commit, and keeps no credentials", () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    assert.ok(used.length > 0);
    for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    const checkout = steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
    assert.equal(checkout?.with?.["persist-credentials"], false);
  });
  it("runs on the lab's own machine, with bash commands without spliced data", () => {
    for (const job of all) assert.deepEqual(job["runs-on"], ["self-hosted", "mirlab"]);
    const commands = steps.flatMap(({ run }) => run ?? []);
    assert.ok(commands.some((text) => text.startsWith("bin/lab drift")));
    for (const text of commands) {
      assertBash(text);
      assert.ok(!text.includes("${{"), text);
    }
  });
});

describe("the crontab example", () => {
  const jobs = example("crontab")
    .split("\n")
    .filter((line) => /^[0-9*]/.test(line))
    .map((line) => /^(?:\S+ ){5}(.*)$/.exec(line)?.[1] ?? "");
  it("is one command that cron does not truncate", () => {
    assert.equal(jobs.length, 1);
    assertBash(jobs[0] ?? "");
    // cron treats `%` as the end of the command.
    assert.ok(!jobs[0]?.includes("%"));
  });
  const output = (drift: string): string => {
    const folder = mkdtempSync(join(tmpdir(), "mirlab-cron-"));
    try {
      const text = (jobs[0] ?? "").replace("/opt/mirlab", '"$1"').replace("bin/lab drift", '"$2"');
      writeFileSync(join(folder, "drift"), `#!/bin/sh\n${drift}\n`, { mode: 0o755 });
      return execFileSync("sh", ["-c", text, "cron", folder, join(folder, "drift")]).toString();
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  it("is silent when there is no drift", () => assert.equal(output("echo no drift in dev"), ""));
  it("prints the drift", () => assert.equal(output("echo a: b; exit 7"), "a: b\n"));
  it("prints why the check failed", () => assert.equal(output("echo no >&2; exit 2"), "no\n"));
});

const verify = spawnSync("systemd-analyze", ["--version"]).status === 0;
describe("the timer example", { skip: verify ? false : "no systemd-analyze here" }, () => {
  it("is accepted by systemd, with the checkout's own program", () => {
    const folder = mkdtempSync(join(tmpdir(), "mirlab-units-"));
    try {
      const files = ["mirlab-drift.service", "mirlab-drift.timer"].map((name) => {
        const file = join(folder, name);
        writeFileSync(file, example(name).replaceAll("/opt/mirlab", ROOT));
        return file;
      });
      const found = spawnSync("systemd-analyze", ["verify", "--man=no", ...files]);
      const own = found.stderr
        .toString()
        .split("\n")
        .filter((line) => line.includes("mirlab-drift"));
      assert.deepEqual(own, []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

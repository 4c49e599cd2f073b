/** The policies in the real engine: a preview, and exported states. No guest is created. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run, RunResult } from "../../core/exec.io";
import { PolicyReport } from "../../cli/policyReport";
import { ROOT, TestLab } from "./support";

const STACK = "itest-policy";
const PACK = ["--policy-pack", "policies", "--policy-pack-config", "policies/config.json"];

describe("policies by the engine", { timeout: 1_800_000 }, () => {
  const lab = new TestLab({ stack: STACK, guests: [{ name: "mir" }] });
  before(async () => {
    // Without libvirt more inputs are unknown. An earlier test's `down` may have stopped it.
    await run(["bash", join(ROOT, "scripts/host/libvirtd.sh"), "start"]);
    await lab.init();
  });
  after(() => lab.dispose());

  /** `lab policy` on this test's stack, or on a state. */
  const policy = (...args: string[]): Promise<RunResult> =>
    run(["bin/lab", "policy", "--stack", STACK, ...args], {
      env: { MIRLAB_HOME: lab.home },
      timeoutMs: 900_000,
    });
  const reportIn = (result: RunResult): PolicyReport =>
    JSON.parse(result.stdout.toString()) as PolicyReport;

  it("accept the dev lab, and report what they cannot check before up", async () => {
    const result = await policy("--json");
    assert.equal(result.code, 0, result.stderr);
    const { counts, policies } = reportIn(result);
    assert.equal(counts.violated, 0);
    const unknown = policies.filter((p) => p.status === "unknown").map((p) => p.name);
    assert.deepEqual(unknown, [
      "share-not-sensitive",
      "host-key-pinned",
      "acceleration-acknowledged",
    ]);
  });

  it("stop a preview of what breaks one, with the fix, before anything is made", async () => {
    lab.configure([{ name: "mir", spice: { clipboard: true } }]);
    const ended = await lab.pulumi("preview", "--non-interactive", ...PACK);
    assert.notEqual(ended.code, 0);
    assert.match(
      ended.text,
      /guest 'mir': found SPICE's clipboard on; need it off; fix: set guests\[\]\.spice\.clipboard to false/,
    );
    assert.ok(!existsSync(lab.dataDir), "something was made");
    const gate = await policy();
    assert.equal(gate.code, 5, gate.stderr);
    assert.match(gate.stdout.toString(), /^ {2}FAIL {2}no-clipboard-or-file-transfer \(high\)$/m);
  });

  it("name each violated policy of an exported state once, without a stack", async () => {
    const result = await policy("--state", "test/fixtures/violations.state.json", "--json");
    assert.equal(result.code, 5, result.stderr);
    const { counts, policies } = reportIn(result);
    assert.deepEqual(counts, { ok: 0, advisory: 4, violated: 15, unknown: 0 });
    for (const { name, findings } of policies) assert.ok(findings.length > 0, name);
  });

  it("exit with 2, not 0, for a file that is not a state", async () => {
    const result = await policy("--state", join(ROOT, "package.json"));
    assert.equal(result.code, 2);
    assert.match(result.stderr, /^lab: policy: found no answer \(/m);
  });
});

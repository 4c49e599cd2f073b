import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it, mock } from "node:test";
import { forgetLooks, lookAtGuest } from "../../../../components/guest/look.io";
import { FakePrograms, ROOT } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const calls = join(programs.folder, "calls");
const GUEST = { config: "/nowhere/ssh_config", alias: "mirlab-dev-mir" };
const OTHER = { ...GUEST, alias: "mirlab-dev-other" };

/** Round trips since the last look. */
function count(): number {
  const lines = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n").length : 0;
  rmSync(calls, { force: true });
  return lines;
}

/** A guest whose scripts run on this machine. */
function guest(script = `eval "$words" | sed 's/@/at/'`): void {
  programs.set("sudo", `shift; exec "$@"`);
  programs.set("ssh", `echo asked >>"${calls}"; words=\${*: -1}; ${script}`);
}

beforeEach(() => {
  forgetLooks();
  count();
  guest();
});

describe("lookAtGuest", () => {
  it("answers all resources of a guest by one round trip", async () => {
    const [facts, observe] = await Promise.all([
      lookAtGuest(GUEST, "facts.py"),
      lookAtGuest(GUEST, "observe.py"),
    ]);
    assert.equal(count(), 1);
    assert.match(facts.result.stdout.toString(), /^{"version":\d,/);
    assert.match(observe.result.stdout.toString(), /^{"version":2,"kernel":/);
    assert.deepEqual([facts.result.code, observe.result.code], [0, 0]);
    assert.ok(observe.asked.to >= observe.asked.from);
  });

  it("asks each guest separately", async () => {
    await Promise.all([lookAtGuest(GUEST, "facts.py"), lookAtGuest(OTHER, "facts.py")]);
    assert.equal(count(), 2);
  });

  it("asks again after a change, and after two seconds", async () => {
    await lookAtGuest(GUEST, "observe.py");
    await lookAtGuest(GUEST, "facts.py");
    assert.equal(count(), 1);
    forgetLooks();
    await lookAtGuest(GUEST, "observe.py");
    assert.equal(count(), 1);
    const later = Date.now() + 2001;
    mock.method(Date, "now", () => later);
    await lookAtGuest(GUEST, "observe.py");
    mock.restoreAll();
    assert.equal(count(), 1);
  });

  it("returns the same failure to all resources of a guest that does not answer", async () => {
    guest("echo 'ssh: connect to host 127.0.0.1: Connection refused' >&2; exit 255");
    for (const part of ["facts.py", "observe.py"] as const) {
      const { result } = await lookAtGuest(GUEST, part);
      assert.equal(result.code, 255);
      assert.match(result.stderr, /Connection refused/);
    }
    assert.equal(count(), 1);
  });

  for (const [what, answer] of [
    ["no JSON", "echo hello"],
    ["another shape", `echo '{"observe.py":{"code":"0"}}'`],
    ["no answer of this script", "echo '{}'"],
  ] as const) {
    it(`treats ${what} as a failure of the script`, async () => {
      guest(`cat >/dev/null; ${answer}`);
      const { result } = await lookAtGuest(GUEST, "observe.py");
      assert.deepEqual([result.code, result.stderr], [1, "the guest's answer is malformed"]);
    });
  }
});

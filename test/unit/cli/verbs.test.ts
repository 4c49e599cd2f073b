/** What the verbs ask of the engine: in a folder of the test, with a stand-in for bin/pulumi. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

const folder = temporaryFolder();
const home = join(folder, "home");
const calls = join(folder, "calls");
const programs = new FakePrograms();
programs.set("virsh", "exit 1");
for (const below of ["bin", "scripts/host"]) mkdirSync(join(folder, below), { recursive: true });

const stack = (text: string): void => writeFileSync(join(folder, "Pulumi.dev.yaml"), text);

/** The engine: notes its arguments; `outcome` is bash for the verb itself. */
const engine = (outcome = ""): void =>
  writeFileSync(
    join(folder, "bin", "pulumi"),
    `#!/bin/bash\nprintf '%s\\n' "$*" >>'${calls}'\n[[ $1 == stack || $1 == cancel ]] || { ${outcome || ":"}; }\n`,
    { mode: 0o755 },
  );

async function lab(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const script = `process.chdir(process.argv[1]); process.argv.splice(1, 1);
    require(${JSON.stringify(join(ROOT, "core", "register.js"))});
    require(${JSON.stringify(join(ROOT, "cli", "main.ts"))}).main();`;
  const ended = await run([process.execPath, "--eval", script, folder, ...args], {
    env: { CI: "", MIRLAB_HOME: home, PULUMI_BACKEND_URL: "", ...env },
  });
  const asked = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
  return { code: ended.code, out: ended.stdout.toString(), err: ended.stderr, asked };
}

const SELECT = "stack select --create --stack dev --non-interactive";
const PACK = "--policy-pack policies --policy-pack-config policies/config.json";

beforeEach(() => {
  rmSync(calls, { force: true });
  rmSync(home, { recursive: true, force: true });
  stack("config:\n  mirlab:guests:\n    - name: mir\n");
  engine();
});

describe("preview", () => {
  it("asks for a preview with the policies, and hands on what it does not know", async () => {
    const { code, asked } = await lab(["preview", "--diff", "--target", "a b"]);
    assert.equal(code, 0);
    assert.deepEqual(asked, [SELECT, `preview --stack dev ${PACK} --diff --target a b`]);
  });

  it("is the same in CI: a preview asks nothing", async () => {
    const { asked } = await lab(["preview"], { CI: "true" });
    assert.deepEqual(asked, [SELECT, `preview --stack dev ${PACK}`]);
  });

  it("ends with the engine's exit code, and adds no words", async () => {
    engine("exit 255");
    const { code, err } = await lab(["preview"]);
    assert.deepEqual([code, err], [255, ""]);
  });

  it("takes another stack by its option or by the environment", async () => {
    writeFileSync(join(folder, "Pulumi.other.yaml"), "");
    for (const [args, env] of [
      [["preview", "--stack", "other"], {}],
      [["-s", "other", "preview"], {}],
      [["preview"], { MIRLAB_STACK: "other" }],
    ] as const) {
      rmSync(calls, { force: true });
      assert.equal((await lab(args, env)).asked[1], `preview --stack other ${PACK}`);
    }
  });
});

describe("down", () => {
  const table: [args: string[], env: Record<string, string>, expected: string][] = [
    [["down"], {}, "destroy --refresh=false --stack dev"],
    [["down", "--yes"], {}, "destroy --refresh=false --stack dev --yes"],
    [["down", "-y"], {}, "destroy --refresh=false --stack dev --yes"],
    [["down"], { CI: "true" }, "destroy --refresh=false --stack dev --yes"],
    [["down", "--yes"], { CI: "true" }, "destroy --refresh=false --stack dev --yes"],
    [
      ["down", "--exclude-protected"],
      {},
      "destroy --refresh=false --stack dev --exclude-protected",
    ],
  ];
  for (const [args, env, expected] of table) {
    it(`asks for '${expected}' by '${args.join(" ")}'${env.CI === undefined ? "" : " in CI"}`, async () => {
      assert.deepEqual((await lab(args, env)).asked, [SELECT, expected]);
    });
  }

  it("removes the lock of a killed run first", async () => {
    const locks = join(home, "state", ".pulumi", "locks", "organization", "mirlab", "dev");
    mkdirSync(locks, { recursive: true });
    const { stdout } = await run(["uname", "-n"]);
    const lock = { pid: 2 ** 22 + 1, hostname: stdout.toString().trim() };
    writeFileSync(join(locks, "a.json"), JSON.stringify(lock));
    const { asked, err } = await lab(["down"]);
    assert.deepEqual(asked, [
      SELECT,
      "cancel --stack dev --yes --non-interactive",
      "destroy --refresh=false --stack dev",
    ]);
    assert.match(err, /^lab: the run with pid 4194305 was killed; removing its lock$/m);
  });
});

describe("drift", () => {
  const preview = (steps: object[], changes: object) =>
    engine(`printf '%s\\n' '${JSON.stringify({ steps, changeSummary: changes })}'`);
  const changed = {
    ...{ op: "update", urn: "urn:pulumi:dev::mirlab::mir:DomainContract::mir-vm-domain" },
    oldState: { inputs: { drift: ["video: declared qxl, live cirrus"] } },
  };

  it("ends with 0 without drift, and with 7 and each difference with it", async () => {
    preview([], { same: 3 });
    assert.deepEqual(await lab(["drift"]).then(({ code, out }) => [code, out]), [
      0,
      "no drift in dev\n",
    ]);
    preview([changed], { update: 1 });
    const { code, out, asked } = await lab(["drift"]);
    assert.equal(code, 7);
    assert.match(out, /^mir-vm-domain: video: declared qxl, live cirrus\ndrift in dev: 1 resource/);
    assert.equal(asked.at(-1), "preview --json --non-interactive --stack dev");
  });

  it("creates no stack: without one it ends with 2, and the file is as it was", async () => {
    writeFileSync(
      join(folder, "bin", "pulumi"),
      `#!/bin/bash\nprintf '%s\\n' "$*" >>'${calls}'\necho "error: no stack named 'dev' found" >&2; exit 255\n`,
    );
    const { code, err, asked } = await lab(["drift"]);
    assert.equal(code, 2);
    assert.equal(
      err,
      "lab: dev: found no such stack; need a lab that 'up' has created; fix: npm run up, or set MIRLAB_STACK or MIRLAB_HOME to those of the lab\n",
    );
    assert.deepEqual(asked, ["stack select --stack dev --non-interactive"]);
  });

  it("ends with 2 where the engine has no answer, and says how to see more", async () => {
    engine("echo 'error: no such host' >&2; exit 1");
    const { code, out, err } = await lab(["drift", "--json"]);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      /^lab: drift: found no answer \(error: no such host\); need a preview; fix: run 'npm run preview'/m,
    );
  });
});

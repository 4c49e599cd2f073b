/** What the verbs ask of the engine. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import {
  calls,
  engine,
  EXPORT,
  folder,
  home,
  lab,
  LAB,
  PACK,
  programs,
  SELECT,
  state,
} from "./standIn";

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
    [["down"], {}, "destroy --refresh=false --ignore-protect --stack dev"],
    [["down", "--yes"], {}, "destroy --refresh=false --ignore-protect --stack dev --yes"],
    [["down", "-y"], {}, "destroy --refresh=false --ignore-protect --stack dev --yes"],
    [["down"], { CI: "true" }, "destroy --refresh=false --ignore-protect --stack dev --yes"],
    [
      ["down", "--yes"],
      { CI: "true" },
      "destroy --refresh=false --ignore-protect --stack dev --yes",
    ],
    [
      ["down", "--exclude-protected"],
      {},
      "destroy --refresh=false --stack dev --exclude-protected",
    ],
  ];
  for (const [args, env, expected] of table) {
    it(`asks for '${expected}' by '${args.join(" ")}'${env.CI === undefined ? "" : " in CI"}`, async () => {
      assert.deepEqual((await lab(args, env)).asked, [SELECT, EXPORT, expected]);
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
      EXPORT,
      "destroy --refresh=false --ignore-protect --stack dev",
    ]);
    assert.match(err, /^lab: the run with pid 4194305 was killed; removing its lock$/m);
  });
});

describe("down, of a lab with disks", () => {
  it("says what it will delete before the engine asks", async () => {
    state(...LAB);
    programs.set("bash", "printf '%s\\t3328599654\\t0\\n' \"$3\"");
    const { err } = await lab(["down"]);
    assert.match(
      err,
      /^lab: these disks go with the lab; files in a share stay:\n {2}mir: mir-vm-ab\.qcow2: 3\.1 GiB written, the last on 1970-01-01$/m,
    );
  });

  it("goes on where the host does not tell", async () => {
    state(...LAB);
    programs.set("bash", "echo 'disks: no way' >&2; exit 1");
    const { code, err } = await lab(["down"]);
    assert.equal(code, 0);
    assert.match(err, /mir: mir-vm-ab\.qcow2: how much it holds is unknown \(disks: no way\)$/m);
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

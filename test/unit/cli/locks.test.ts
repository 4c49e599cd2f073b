import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { locksIn, unlockDead } from "../../../cli/locks";
import { temporaryFolder } from "../support";

/** Larger than any pid that Linux gives. */
const DEAD = 2 ** 22 + 1;

const folder = temporaryFolder();
let home = "";
let locks = "";
let count = 0;
beforeEach(() => {
  home = join(folder, `home-${(count += 1)}`);
  locks = join(home, "state", ".pulumi", "locks", "organization", "mirlab", "dev");
  mkdirSync(locks, { recursive: true });
  process.env.MIRLAB_HOME = home;
  delete process.env.PULUMI_BACKEND_URL;
});
const lock = (name: string, pid: unknown, machine: unknown = hostname()): void =>
  writeFileSync(join(locks, `${name}.json`), JSON.stringify({ pid, hostname: machine }));

/** How often the engine was asked to cancel. */
async function cancelled(): Promise<number> {
  let times = 0;
  await unlockDead("dev", async () => void (times += 1));
  return times;
}

describe("the lock of a run that was killed", () => {
  it("is removed by the engine, once", async () => {
    lock("a", DEAD);
    lock("b", DEAD + 1);
    assert.equal(await cancelled(), 1);
  });

  it("is none where there is no folder", async () => {
    process.env.MIRLAB_HOME = join(home, "elsewhere");
    assert.equal(await cancelled(), 0);
  });

  it("stays while another run of this machine lives, and the message says which", async () => {
    lock("a", DEAD);
    lock("b", process.pid);
    await assert.rejects(
      unlockDead("dev", () => assert.fail("cancelled")),
      {
        message: `dev: found the stack in use by process ${process.pid}; need a stack that no other run uses; fix: wait for it, or end it: kill ${process.pid}`,
        code: 1,
      },
    );
  });

  it("of another machine, or of another backend, is not judged", async () => {
    lock("a", DEAD, "another-machine");
    assert.equal(await cancelled(), 0);
    lock("a", DEAD);
    process.env.PULUMI_BACKEND_URL = "s3://labs";
    assert.equal(await cancelled(), 0);
  });
});

describe("locks in a folder", () => {
  const table: [what: string, text: string][] = [
    ["cut off by a kill", '{"pid": 12'],
    ["empty", ""],
    ["without a pid", JSON.stringify({ hostname: hostname() })],
    ["with a pid that is text", JSON.stringify({ pid: "1; rm -rf /", hostname: hostname() })],
    ["with a negative pid", JSON.stringify({ pid: -1, hostname: hostname() })],
  ];
  for (const [what, text] of table) {
    it(`are not made up of a file that is ${what}`, () => {
      writeFileSync(join(locks, "a.json"), text);
      assert.deepEqual(locksIn(locks), []);
    });
  }

  it("say whether their process lives", () => {
    lock("a", DEAD);
    lock("b", process.pid);
    writeFileSync(join(locks, "note.txt"), "no lock");
    assert.deepEqual(locksIn(locks), [
      { pid: DEAD, alive: false },
      { pid: process.pid, alive: true },
    ]);
  });
});

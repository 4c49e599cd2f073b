/** What facts.py reads of the session, of a machine like a guest. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { valueOf } from "./facts";

const folder = mkdtempSync(join(tmpdir(), "mirlab-facts-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("the server that a login starts", () => {
  it("is the process that listens on the socket, whatever its launcher is called", async () => {
    const path = join(folder, "wayland-0");
    const serve = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("listens"))`;
    const server = spawn("sh", ["-c", `exec "$0" -e "$1"`, process.execPath, serve], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(server.stdout, "data");
      assert.equal(await valueOf(`listener(${JSON.stringify(path)})`), server.pid);
    } finally {
      server.kill();
      await once(server, "close");
    }
    assert.equal(await valueOf(`listener(${JSON.stringify(path)})`), 0);
  });

  it("is none where there is no such socket", async () => {
    assert.equal(await valueOf(`listener(${JSON.stringify(join(folder, "none"))})`), 0);
  });
});

describe("the time that a server serves", () => {
  const socket = join(folder, "served-0");
  const file = join(folder, "session.json");
  const served = async (created: Date): Promise<number> => {
    writeFileSync(file, JSON.stringify({ socket }));
    writeFileSync(socket, "");
    utimesSync(socket, created, created);
    const named = `globals().update(SESSION_FILE=${JSON.stringify(file)})`;
    return (await valueOf(`[${named}, serving_seconds(${process.pid})][1]`)) as number;
  };
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

  it("begins with its socket: a login takes a minute to get there", async () => {
    await setTimeout(1500 - performance.now());
    const seconds = await served(ago(1));
    assert.ok(seconds >= 1 && seconds < process.uptime() + 1, String(seconds));
  });

  it("is no longer than its process, whatever the clock was set to", async () => {
    for (const created of [ago(86_400), ago(-86_400)]) {
      const seconds = await served(created);
      assert.ok(Math.abs(seconds - process.uptime()) < 3, String(seconds));
    }
  });

  it("is its process's where the socket is not known", async () => {
    const age = (await valueOf(`serving_seconds(${process.pid})`)) as number;
    assert.ok(Math.abs(age - process.uptime()) < 3, String(age));
  });
});

describe("the session's log", () => {
  const logOf = (text: string) =>
    valueOf(`mir_log(start(["printf", "%s", ${JSON.stringify(text)}]))`) as Promise<{
      displayDriver: string | null;
      cursor: string | null;
    }>;

  it("names display driver and cursor, the last of each", async () => {
    const log = await logOf(
      [
        "<information> mirserver: Using hardware cursor",
        "<information> mirserver: Selected display driver: mir:gbm-kms (version 2.28.0) for device ((null): /dev/dri/card0)",
        "<information> mirserver: Using software cursor",
      ].join("\n"),
    );
    assert.match(log.displayDriver ?? "", /^mir:gbm-kms/);
    assert.equal(log.cursor, "software");
  });

  it("of another server names none", async () => {
    assert.equal((await logOf("sway: ready")).cursor, null);
  });
});

it("a CPU has AVX, or not", async () => {
  const flags = readFileSync("/proc/cpuinfo", "utf8").match(/^flags.*$/m)?.[0] ?? "";
  assert.equal(await valueOf("avx()"), flags.split(" ").includes("avx"));
});

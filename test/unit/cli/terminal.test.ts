import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { ROOT } from "../support";

interface Ended {
  readonly code: number | null;
  readonly out: string;
}

/** Runs a verb's stand-in, signals it once it says `ready`, and gives how it ended. */
async function signalled(script: string, signal: NodeJS.Signals): Promise<Ended> {
  const text = `
    const { handleSignals, runForeground } = require("./cli/terminal.ts");
    const { run } = require("./core/exec.io.ts");
    handleSignals();
    ${script}`;
  const argv = ["--require", "./core/register.js", "--eval", text];
  const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  let sent = false;
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (sent || !out.includes("ready")) return;
    sent = true;
    child.kill(signal);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out };
}

/** Empty for a process that has ended, reaped or not. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** A program that has the terminal, says which signal it got, and ends by itself after `seconds` otherwise. */
const foreground = (seconds: number): string => `
  const program = 'trap "echo got TERM; kill $!; exit 9" TERM; trap "echo got INT" INT; ' +
    'sleep ${seconds} & echo ready; wait; wait; exit 4';
  runForeground(["bash", "-c", program]).then((code) => process.exit(code));`;

describe("a signal to a verb alone", { timeout: 60_000 }, () => {
  it("is passed on to the program that has the terminal, whose exit code counts", async () => {
    assert.deepEqual(await signalled(foreground(30), "SIGTERM"), {
      code: 9,
      out: "ready\ngot TERM\n",
    });
  });

  it("of Ctrl-C is not passed on: the terminal has sent it to both", async () => {
    assert.deepEqual(await signalled(foreground(1), "SIGINT"), { code: 4, out: "ready\n" });
  });

  it("ends what runs in the background, which has no terminal to get it from", async () => {
    const background = `
      const options = { stdout: process.stdout };
      void run(["bash", "-c", "echo ready $$; exec sleep 60"], options);`;
    const { code, out } = await signalled(background, "SIGINT");
    assert.equal(code, 130);
    const pid = Number(/ready (\d+)/.exec(out)?.[1]);
    assert.ok(pid > 1);
    assert.equal(commandOf(pid), "");
  });
});

describe("a program that has the terminal", () => {
  it("gives its own exit code, and 128 and the signal's number where a signal ended it", async () => {
    const { runForeground } = await import("../../../cli/terminal");
    assert.equal(await runForeground(["bash", "-c", "exit 7"]), 7);
    assert.equal(await runForeground(["bash", "-c", "kill -KILL $$"]), 137);
    await assert.rejects(runForeground(["/nowhere/program"]), { code: "ENOENT" });
  });
});

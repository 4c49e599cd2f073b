import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { temporaryFolder } from "../support";

/** Process group and session, of a line of /proc/PID/stat. */
const groupAndSession = (stat: string): string =>
  stat.slice(stat.lastIndexOf(")")).split(" ").slice(3, 5).join(" ");

describe("run", () => {
  it("returns output, errors and exit code", async () => {
    const result = await run(["bash", "-c", "echo out; echo err >&2; exit 3"]);
    assert.equal(result.stdout.toString(), "out\n");
    assert.deepEqual(
      { ...result, stdout: "" },
      { code: 3, stdout: "", stderr: "err\n", timedOut: false },
    );
  });

  it("passes on each line of standard error as it arrives, also a last one without a line end", async () => {
    const lines: string[] = [];
    const result = await run(["bash", "-c", "echo one >&2; printf two >&2"], {
      onErrorLine: (line) => lines.push(line),
    });
    assert.deepEqual([lines, result.stderr], [["one", "two"], "one\ntwo"]);
  });

  it("passes arguments unchanged, without a shell", async () => {
    const words = ["$HOME", "a b", "it's", "*", "", "-n", "\n"];
    const result = await run(["printf", "%s\\0", ...words]);
    assert.deepEqual(result.stdout.toString().split("\0").slice(0, -1), words);
  });

  it("writes megabytes to standard input and closes it", async () => {
    const stdin = "ü".repeat(2_000_000);
    const result = await run(["cat"], { stdin });
    assert.ok(result.stdout.equals(Buffer.from(stdin)));
    assert.equal((await run(["cat"])).stdout.length, 0);
  });

  it("ignores that a program does not read its input", async () => {
    const result = await run(["true"], { stdin: "x".repeat(5_000_000) });
    assert.equal(result.code, 0);
  });

  it("pipes one program's output to another, beyond the limit of kept output", async () => {
    const between = new PassThrough();
    const [from, to] = await Promise.all([
      run(["head", "-c", "80000000", "/dev/zero"], { stdout: between }),
      run(["wc", "-c"], { stdin: between }),
    ]);
    assert.deepEqual([from.code, from.stdout.length, to.code], [0, 0, 0]);
    assert.equal(to.stdout.toString().trim(), "80000000");
  });

  it("ends both programs of a pipe when the reader ends first, or the writer does not start", async () => {
    const both = (writer: string[], reader: string[]) => {
      const between = new PassThrough();
      return Promise.all([run(writer, { stdout: between }), run(reader, { stdin: between })]);
    };
    const [from, to] = await both(["head", "-c", "80000000", "/dev/zero"], ["false"]);
    assert.deepEqual([from.code, to.code, from.timedOut], [0, 1, false]);
    const [none, empty] = await both(["mirlab-no-such-program"], ["wc", "-c"]);
    assert.deepEqual([none.code, empty.stdout.toString().trim()], [-1, "0"]);
  });

  it("joins a character that arrives in two pieces", async () => {
    const result = await run(["bash", "-c", "printf '\\303' >&2; sleep 0.1; printf '\\274' >&2"]);
    assert.equal(result.stderr, "ü");
  });

  it("keeps large output", async () => {
    const result = await run(["head", "-c", "20000000", "/dev/zero"]);
    assert.deepEqual([result.code, result.stdout.length], [0, 20_000_000]);
  });

  it("kills a program with endless output, and keeps at most 64 MiB of it", async () => {
    const result = await run(["cat", "/dev/zero"], { timeoutMs: 30_000 });
    assert.equal(result.code, -1);
    assert.equal(result.timedOut, false);
    assert.ok(result.stdout.length <= 64 * 1024 * 1024);
  });

  it("kills a program that takes too long, and reports the timeout", async () => {
    const result = await run(["sleep", "600"], { timeoutMs: 200 });
    assert.deepEqual([result.code, result.timedOut], [-1, true]);
  });

  it("kills the children of that program too", async () => {
    const mark = join(temporaryFolder(), "mark");
    const script = 'bash -c "sleep 2; touch $1"; true';
    const result = await run(["bash", "-c", script, "test", mark], { timeoutMs: 200 });
    assert.equal(result.timedOut, true);
    assert.equal(existsSync(mark), false);
  });

  it("leaves a program in this session, in a group of its own, where sudo has to find its ticket", async () => {
    const ids = (text: string) => text.trim().split(" ").map(Number);
    const [, mine] = ids(await readFile("/proc/self/stat", "utf8").then(groupAndSession));
    const look = ["bash", "-c", "cat /proc/$$/stat; echo $$ >&2"];
    const shared = await run(look, { sharesSession: true });
    assert.deepEqual(ids(groupAndSession(shared.stdout.toString())), [Number(shared.stderr), mine]);
    const apart = await run(look);
    const own = Number(apart.stderr);
    assert.deepEqual(ids(groupAndSession(apart.stdout.toString())), [own, own]);
  });

  it("ends such a program with its children too, and reports one that does not exist", async () => {
    const file = join(temporaryFolder(), "late");
    const slow = ["bash", "-c", `(sleep 1; touch '${file}') & sleep 60`];
    const result = await run(slow, { timeoutMs: 300, sharesSession: true });
    assert.ok(result.timedOut);
    await new Promise((done) => setTimeout(done, 1200));
    assert.equal(existsSync(file), false);
    const none = await run(["no-such-program"], { sharesSession: true });
    assert.notEqual(none.code, 0);
    assert.match(none.stderr, /no-such-program: No such file/);
  });

  it("reports a program that does not exist", async () => {
    const result = await run(["mirlab-no-such-program"]);
    assert.equal(result.code, -1);
    assert.match(result.stderr, /^mirlab-no-such-program: .*ENOENT/);
  });

  it("reports a program that was killed", async () => {
    assert.equal((await run(["bash", "-c", "kill -9 $$"])).code, -1);
  });

  it("extends the environment and sets an English locale", async () => {
    process.env.LANGUAGE = "de_DE:de";
    const result = await run(["bash", "-c", 'echo "$LC_ALL|$LANGUAGE|$A|${PATH:+path}"'], {
      env: { A: "1" },
    });
    delete process.env.LANGUAGE;
    assert.equal(result.stdout.toString(), "C.UTF-8||1|path\n");
  });

  it("kills running programs and their children when this process exits", async () => {
    const mark = join(temporaryFolder(), "mark");
    const script = `
      const { run } = require("./core/exec.io.ts");
      void run(["bash", "-c", "echo begun >&2; (sleep 2; touch '${mark}') & wait"], {
        onErrorLine: () => process.exit(3),
      });`;
    const argv = ["--require", "./core/register.js", "--eval", script];
    const ended = await run([process.execPath, ...argv]);
    assert.equal(ended.code, 3, ended.stderr);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(existsSync(mark), false);
  });

  it("returns -1 for a program that any signal ended", async () => {
    for (const signal of ["TERM", "INT", "SEGV"]) {
      const result = await run(["bash", "-c", `kill -${signal} $$; sleep 5`]);
      assert.deepEqual([result.code, result.timedOut], [-1, false], signal);
    }
  });
});

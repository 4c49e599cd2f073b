import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { temporaryFolder } from "../support";

describe("run", () => {
  it("gives output, errors and exit code", async () => {
    const result = await run(["bash", "-c", "echo out; echo err >&2; exit 3"]);
    assert.equal(result.stdout.toString(), "out\n");
    assert.deepEqual(
      { ...result, stdout: "" },
      { code: 3, stdout: "", stderr: "err\n", timedOut: false },
    );
  });

  it("tells each line of errors as it comes, the last one without its end too", async () => {
    const told: string[] = [];
    const result = await run(["bash", "-c", "echo one >&2; printf two >&2"], {
      told: (line) => told.push(line),
    });
    assert.deepEqual([told, result.stderr], [["one", "two"], "one\ntwo"]);
  });

  it("passes arguments as they are, through no shell", async () => {
    const words = ["$HOME", "a b", "it's", "*", "", "-n", "\n"];
    const result = await run(["printf", "%s\\0", ...words]);
    assert.deepEqual(result.stdout.toString().split("\0").slice(0, -1), words);
  });

  it("feeds standard input, megabytes of it, and closes it", async () => {
    const stdin = "ü".repeat(2_000_000);
    const result = await run(["cat"], { stdin });
    assert.ok(result.stdout.equals(Buffer.from(stdin)));
    assert.equal((await run(["cat"])).stdout.length, 0);
  });

  it("is not upset by a program that does not read its input", async () => {
    const result = await run(["true"], { stdin: "x".repeat(5_000_000) });
    assert.equal(result.code, 0);
  });

  it("hands one program's output to another, more than is kept", async () => {
    const between = new PassThrough();
    const [from, to] = await Promise.all([
      run(["head", "-c", "80000000", "/dev/zero"], { stdout: between }),
      run(["wc", "-c"], { stdin: between }),
    ]);
    assert.deepEqual([from.code, from.stdout.length, to.code], [0, 0, 0]);
    assert.equal(to.stdout.toString().trim(), "80000000");
  });

  it("ends both where the reader ends first, or the writer is not there", async () => {
    const both = (writer: string[], reader: string[]) => {
      const between = new PassThrough();
      return Promise.all([run(writer, { stdout: between }), run(reader, { stdin: between })]);
    };
    const [from, to] = await both(["head", "-c", "80000000", "/dev/zero"], ["false"]);
    assert.deepEqual([from.code, to.code, from.timedOut], [0, 1, false]);
    const [none, empty] = await both(["mirlab-no-such-program"], ["wc", "-c"]);
    assert.deepEqual([none.code, empty.stdout.toString().trim()], [-1, "0"]);
  });

  it("keeps characters whole that arrive in two pieces", async () => {
    const result = await run(["bash", "-c", "printf '\\303' >&2; sleep 0.1; printf '\\274' >&2"]);
    assert.equal(result.stderr, "ü");
  });

  it("keeps large output", async () => {
    const result = await run(["head", "-c", "20000000", "/dev/zero"]);
    assert.deepEqual([result.code, result.stdout.length], [0, 20_000_000]);
  });

  it("ends a program whose output has no end, and keeps no more than 64 MiB of it", async () => {
    const result = await run(["cat", "/dev/zero"], { timeoutMs: 30_000 });
    assert.equal(result.code, -1);
    assert.equal(result.timedOut, false);
    assert.ok(result.stdout.length <= 64 * 1024 * 1024);
  });

  it("ends a program that takes too long, and says so", async () => {
    const result = await run(["sleep", "600"], { timeoutMs: 200 });
    assert.deepEqual([result.code, result.timedOut], [-1, true]);
  });

  it("ends what that program started as well", async () => {
    const mark = join(temporaryFolder(), "mark");
    const script = 'bash -c "sleep 2; touch $1"; true';
    const result = await run(["bash", "-c", script, "test", mark], { timeoutMs: 200 });
    assert.equal(result.timedOut, true);
    assert.equal(existsSync(mark), false);
  });

  it("tells of a program that is not there", async () => {
    const result = await run(["mirlab-no-such-program"]);
    assert.equal(result.code, -1);
    assert.match(result.stderr, /^mirlab-no-such-program: .*ENOENT/);
  });

  it("tells of a program that was killed", async () => {
    assert.equal((await run(["bash", "-c", "kill -9 $$"])).code, -1);
  });

  it("adds to the environment, with messages in English", async () => {
    const result = await run(["bash", "-c", 'echo "$LC_ALL $A ${PATH:+path}"'], {
      env: { A: "1" },
    });
    assert.equal(result.stdout.toString(), "C.UTF-8 1 path\n");
  });
});

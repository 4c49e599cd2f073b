import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";

const SCRIPT = resolve(__dirname, "..", "..", "..", "scripts", "host", "packages.sh");
const dir = mkdtempSync(join(tmpdir(), "mirlab-dpkg-"));

/** A package that dpkg has unpacked but not configured. */
const HALF = "Package: half\nStatus: install ok unpacked\nVersion: 1\nMaintainer: x\n";
const WHOLE = HALF.replace("unpacked", "installed");

const HOLD = `
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
open(sys.argv[3], "w").write(sys.argv[4])
`;

/** A process that holds dpkg's lock, as apt does; at its end its packages are configured. */
async function hold(seconds: number, file = "lock-frontend"): Promise<ChildProcess> {
  const args = [join(dir, file), String(seconds), join(dir, "status"), WHOLE];
  const child = spawn("python3", ["-c", HOLD, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function install(lockSeconds: number): Promise<{ code: number; words: string }> {
  const env = {
    ...process.env,
    ...{ DPKG_ADMINDIR: dir, MIRLAB_LOCK_SECONDS: String(lockSeconds) },
  };
  const child = spawn(SCRIPT, ["install", "half"], { env });
  const chunks: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number];
  return { code, words: Buffer.concat(chunks).toString() };
}

describe("packages.sh install", () => {
  before(() => {
    for (const sub of ["info", "updates", "triggers"]) mkdirSync(join(dir, sub));
    writeFileSync(join(dir, "lock"), "");
  });
  after(() => rmSync(dir, { recursive: true }));

  for (const file of ["lock-frontend", "lock"]) {
    it(`names the process with dpkg's ${file}, and does not report its work as interrupted`, async () => {
      writeFileSync(join(dir, "status"), HALF);
      const holder = await hold(60, file);
      try {
        const { code, words } = await install(1);
        assert.equal(code, 1);
        assert.match(
          words,
          new RegExp(
            `found the package database locked by process ${holder.pid} \\(python3[^)]*\\) for 1 s, required free; let that run end`,
          ),
        );
        assert.doesNotMatch(words, /interrupted/);
      } finally {
        holder.kill();
        await once(holder, "close");
      }
    });
  }

  it("waits for a run to end, and then finds its packages installed", async () => {
    writeFileSync(join(dir, "status"), HALF);
    const holder = await hold(2);
    const { code, words } = await install(30);
    assert.match(
      words,
      new RegExp(`locked by process ${holder.pid} \\(.*\\); waiting for it, 0 of 30 s`),
    );
    assert.match(words, /nothing to install/);
    assert.equal(code, 0);
  });
});

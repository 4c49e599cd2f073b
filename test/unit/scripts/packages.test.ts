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
            `found the package database locked by process ${holder.pid} \\(python3[^)]*\\) for 1 s; need it free; fix: let that run end`,
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

describe("packages.sh, of what a release has split off", () => {
  const fakes = mkdtempSync(join(tmpdir(), "mirlab-apt-"));
  after(() => rmSync(fakes, { recursive: true }));

  /** An archive with these packages, of which some are installed; fetched lists where `fetched` says so. */
  function archive(names: readonly string[], installed: readonly string[], fetched = true): void {
    const put = (name: string, text: string) =>
      writeFileSync(join(fakes, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
    writeFileSync(join(fakes, "installed"), installed.map((name) => `${name}\n`).join(""));
    writeFileSync(join(fakes, "archive"), names.map((name) => `${name}\n`).join(""));
    rmSync(join(fakes, "lists"), { force: true });
    if (fetched) writeFileSync(join(fakes, "lists"), "");
    put(
      "apt-cache",
      `[[ -e ${fakes}/lists ]] || exit 0
       grep -qx "$2" ${fakes}/archive || exit 0
       printf '%s:\\n  Installed: (none)\\n  Candidate: 1.0\\n' "$2"`,
    );
    put(
      "dpkg-query",
      `name="\${@: -1}"; grep -qx "$name" ${fakes}/installed || exit 1; printf installed`,
    );
    put("dpkg", "exit 0");
    put(
      "apt-get",
      `for word; do
         [[ $word != update ]] || touch ${fakes}/lists
         ! grep -qx -- "$word" ${fakes}/archive || echo "$word" >>${fakes}/installed
       done`,
    );
    put("sudo", 'shift; exec "$@"');
  }

  async function packages(verb: string, ...names: string[]) {
    const env = { ...process.env, PATH: `${fakes}:${process.env.PATH ?? ""}`, DPKG_ADMINDIR: dir };
    const child = spawn(SCRIPT, [verb, ...names], { env });
    let out = "";
    let words = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (words += chunk.toString()));
    const [code] = (await once(child, "close")) as [number];
    return { code, out, words };
  }

  const SPICE = "qemu-system-modules-spice";

  it("takes SPICE's modules with QEMU where the archive has them: Debian 13, Ubuntu 24.04", async () => {
    archive(["qemu-system-x86", SPICE, "curl"], []);
    assert.equal(
      (await packages("missing", "qemu-system-x86", "curl")).out,
      `qemu-system-x86\n${SPICE}\ncurl\n`,
    );
    const { code, words } = await packages("install", "qemu-system-x86", "curl");
    assert.equal(code, 0, words);
    assert.match(words, new RegExp(`installing 3: qemu-system-x86 ${SPICE} curl`));
  });

  it("does without them where QEMU has them itself: Debian 12", async () => {
    archive(["qemu-system-x86"], []);
    assert.equal((await packages("missing", "qemu-system-x86")).out, "qemu-system-x86\n");
    assert.equal((await packages("install", "qemu-system-x86")).code, 0);
  });

  it("installs them where QEMU is there without them, and requires them", async () => {
    archive(["qemu-system-x86", SPICE], ["qemu-system-x86"]);
    const { code, words } = await packages("require", "qemu-system-x86");
    assert.equal(code, 1);
    assert.match(
      words,
      new RegExp(`found ${SPICE} missing; need them installed; fix: run 'apt-get`),
    );
    assert.match((await packages("install", "qemu-system-x86")).words, /installing 1: /);
    assert.equal((await packages("missing", "qemu-system-x86")).out, "");
  });

  it("finds them in lists that it had to fetch first", async () => {
    archive(["qemu-system-x86", SPICE], [], false);
    const { code, words } = await packages("install", "qemu-system-x86");
    assert.equal(code, 0, words);
    assert.equal((await packages("missing", "qemu-system-x86")).out, "");
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";

const SCRIPT = resolve(__dirname, "..", "..", "..", "scripts", "host", "packages.sh");
const dir = mkdtempSync(join(tmpdir(), "mirlab-dpkg-"));

/** A package that dpkg has unpacked but not configured. */
const HALF = "Package: half\nStatus: install ok unpacked\nVersion: 1\nMaintainer: x\n";
const WHOLE = HALF.replace("unpacked", "installed");

const HOLD = `
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
open(sys.argv[2], "w").write(sys.argv[3])
`;

/** A process that holds dpkg's lock, as apt does, until its input ends; then its packages are configured. */
async function hold(file = "lock-frontend") {
  const args = [join(dir, file), join(dir, "status"), WHOLE];
  const child = spawn("python3", ["-c", HOLD, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function install(
  lockSeconds: number,
  onWords: (words: string) => void = () => undefined,
): Promise<{ code: number; words: string }> {
  const env = {
    ...process.env,
    ...{ DPKG_ADMINDIR: dir, MIRLAB_LOCK_SECONDS: String(lockSeconds) },
  };
  const child = spawn(SCRIPT, ["install", "half"], { env });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words += text;
    onWords(words);
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, words };
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
      const holder = await hold(file);
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
    const holder = await hold();
    const { code, words } = await install(30, (said) => {
      if (said.includes("waiting for it")) holder.stdin.end();
    });
    holder.kill();
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

  /**
   * An archive with these packages, of which some are installed; fetched lists where `fetched` says so. `NAME` is
   * version 1.0 of the release, `NAME~` version 2.0~bpo1 of its backports, too.
   */
  function archive(names: readonly string[], installed: readonly string[], fetched = true): void {
    const put = (name: string, text: string) =>
      writeFileSync(join(fakes, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
    const line = (name: string): string =>
      name.endsWith("~") ? `${name.slice(0, -1)} 2.0~bpo1 backports\n` : `${name} 1.0 release\n`;
    writeFileSync(join(fakes, "installed"), installed.map(line).join(""));
    writeFileSync(join(fakes, "archive"), names.map(line).join(""));
    rmSync(join(fakes, "lists"), { force: true });
    if (fetched) writeFileSync(join(fakes, "lists"), "");
    put(
      "apt-cache",
      `[[ -e ${fakes}/lists ]] || exit 0
       suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
       if [[ $1 == madison ]]; then
         awk -v n="$2" -v s="$suite" '$1 == n { print " " n " | " $2 " | http://a/debian " s ($3 == "backports" ? "-backports" : "") "/main amd64 Packages" }' ${fakes}/archive
         exit
       fi
       # The release's comes first: apt prefers it.
       version=$(LC_ALL=C sort -k 2 ${fakes}/archive | awk -v n="$2" '$1 == n { print $2; exit }')
       [[ -n $version ]] || exit 0
       printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n' "$2" "$version"`,
    );
    put(
      "dpkg-query",
      `version=$(awk -v n="\${@: -1}" '$1 == n { v = $2 } END { print v }' ${fakes}/installed)
       [[ -n $version ]] || exit 1
       echo "installed $version"`,
    );
    put("dpkg", '[[ $1 != --compare-versions ]] || exec /usr/bin/dpkg "$@"');
    put(
      "apt-get",
      `suite=release
       for word; do
         [[ $word != *-backports ]] || suite=backports
         [[ $word != update ]] || touch ${fakes}/lists
         awk -v n="$word" -v s=$suite '$1 == n && $3 == s' ${fakes}/archive >>${fakes}/installed
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

  const BACKPORTS = ["--qemu-from", "backports"] as const;

  it("leaves a part alone that only the backports have, while QEMU is the release's: Debian 12", async () => {
    archive(["qemu-system-x86", "qemu-system-x86~", `${SPICE}~`], ["qemu-system-x86"]);
    assert.equal((await packages("missing", "qemu-system-x86")).out, "");
    archive(["qemu-system-x86", "qemu-system-x86~", `${SPICE}~`], ["qemu-system-x86~"]);
    assert.equal((await packages("missing", "qemu-system-x86")).out, `${SPICE}\n`);
  });

  it("takes QEMU from the backports where a person asks for it, and nothing else", async () => {
    const names = ["qemu-system-x86", "curl"];
    archive([...names, "qemu-system-x86~", `${SPICE}~`, "curl~"], ["qemu-system-x86"]);
    const missing = await packages("missing", ...BACKPORTS, ...names);
    assert.equal(missing.out, `qemu-system-x86\n${SPICE}\ncurl\n`, missing.words);
    assert.equal((await packages("require", ...BACKPORTS, ...names)).code, 1);
    const { code, words } = await packages("install", ...BACKPORTS, ...names);
    assert.equal(code, 0, words);
    assert.equal((await packages("missing", ...BACKPORTS, ...names)).out, "");
    const installed = readFileSync(join(fakes, "installed"), "utf8");
    assert.match(installed, /^qemu-system-x86 2\.0~bpo1/m);
    assert.match(installed, /^curl 1\.0/m);
  });

  it("names the line of apt's sources where apt does not know the backports", async () => {
    archive(["qemu-system-x86"], []);
    const { code, words } = await packages("install", ...BACKPORTS, "qemu-system-x86");
    assert.equal(code, 1);
    assert.match(
      words,
      /found no qemu-system-x86 of \w+-backports; need them for host\.qemu: backports; fix: echo 'deb http\S+ \w+-backports main' \| sudo tee/,
    );
  });
});

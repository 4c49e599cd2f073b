/**
 * The host's part of a build: real build root, git, patch and make, on a small source. No guest.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Build } from "../../components/build/build.io";
import { recipeDigest } from "../../components/build/order.io";
import { run } from "../../core/exec.io";
import { BuildOrder, buildIdentity, BuildPlace, Prepared } from "../../components/build/build";
import { freePort, until } from "./loopback";
import { CACHE_DIR, ROOT } from "./support";

process.chdir(ROOT);
const folder = mkdtempSync(join(tmpdir(), "mirlab-build-test-"));
const source = join(folder, "source");

/** A Makefile that logs what it can reach from the confined compile. */
const MAKEFILE = `
allnoconfig:
	@cp "$(KCONFIG_ALLCONFIG)" "$(O)/.config"
prepare:
	@true
kernelversion kernelrelease:
	@echo 6.99.0$(LOCALVERSION)
bzImage:
	@echo "  CC      a.o"
	@$(CC) -Wp,-MMD,$(O)/.a.o.d -c -o $(O)/a.o a.c
	@echo "object: $$(sha256sum <$(O)/a.o)"
	@echo "uid: $$(id -u), rights: $$(grep CapEff /proc/self/status | cut -f2)"
	@touch /usr/x /build/input/x 2>/dev/null && echo "wrote outside" || true
	@cat /etc/shadow 2>/dev/null && echo "read a secret" || true
	@ls ${folder} 2>/dev/null && echo "saw the host" || true
	@ls /sys/class/net 2>/dev/null && echo "saw devices" || true
	@(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo "reached the host" || true
	@echo "processes: $$(ls -d /proc/[0-9]* | wc -l)"
	@! readlink /proc/self/fd/[3-9] | grep '^/' || echo "an open file of the host's"
`;

function order(change: Partial<BuildOrder> = {}): BuildOrder {
  return {
    ...{ kind: "kernel", base: "tiny", fragments: [], patches: [], recipe: recipeDigest("kernel") },
    source: { git: source, commit },
    ...change,
  };
}

const place = { cacheDir: CACHE_DIR, lab: "itest", sizeGiB: 10, vcpus: 2 } as const;
const guest = { config: join(folder, "ssh_config"), alias: "nobody" };
let commit = "";

function build(
  change: Partial<BuildOrder> = {},
  warm: BuildPlace["warm"] = "always",
  distcc: BuildPlace["distcc"] = [],
): Build {
  const needs = ["EXT4_FS"];
  return new Build({
    ...{ guest, acceleration: "tcg", name: "g1", order: order(change), needs },
    place: { ...place, warm, distcc },
  });
}

const prepared = (change: Partial<BuildOrder> = {}): Promise<Prepared> => build(change).prepared();
const patch = (text: string) => {
  const file = join(folder, `${createHash("sha256").update(text).digest("hex").slice(0, 8)}.patch`);
  writeFileSync(file, text);
  return { file, sha256: createHash("sha256").update(text).digest("hex") };
};

describe("the host's part of a build", { timeout: 1_200_000 }, () => {
  const identities: string[] = [];

  before(async () => {
    mkdirSync(join(source, "arch", "x86"), { recursive: true });
    writeFileSync(join(source, "arch", "x86", "Kconfig"), "config EXT4_FS\n\tbool\n");
    writeFileSync(join(source, "Kconfig"), "config QXL_TEST\n\tbool\n");
    writeFileSync(join(source, "Makefile"), MAKEFILE);
    writeFileSync(join(source, "a.c"), "int a = 1;\n");
    const git = (...args: string[]) => {
      const who = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
      return run(["git", "-C", source, ...who, ...args]);
    };
    await git("init", "-q");
    await git("add", ".");
    await git("commit", "-q", "-m", "a source");
    commit = (await git("rev-parse", "HEAD")).stdout.toString().trim();
    assert.match(commit, /^[0-9a-f]{40}$/);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    for (const identity of identities) {
      rmSync(join(CACHE_DIR, "builds", identity), { recursive: true, force: true });
    }
    rmSync(join(CACHE_DIR, "sources", `git-${commit}.tar`), { force: true });
  });

  it("prepares a source once, and compiles it natively without access to the host", async () => {
    const identity = buildIdentity(order());
    identities.push(identity);
    const first = await prepared();
    assert.equal(first.release, `6.99.0-mirlab-${identity.slice(0, 8)}`);
    assert.equal(first.steps, 1);
    const kept = join(CACHE_DIR, "builds", identity);
    const log = (await run(["cat", join(kept, "compile.log")])).stdout.toString();
    const output = log.split("\n").filter((line) => !/^make|^ {2}CC|^$/.test(line));
    assert.match(output[0] ?? "", /^object: [0-9a-f]{64} {2}-$/);
    assert.match(output[1] ?? "", /^uid: 65533, rights: 0+$/);
    assert.match(output[2] ?? "", /^processes: \d$/);
    assert.equal(output.length, 3, log);
    const started = Date.now();
    assert.deepEqual(await prepared(), first);
    console.log(`a prepared build is found in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    assert.ok(!existsSync(join(CACHE_DIR, "builds", `.work-${identity}`)));
  });

  it("applies a patch, and counts the steps ahead without a compile", async () => {
    const more = patch("--- a/a.c\n+++ b/a.c\n@@ -1 +1,2 @@\n int a = 1;\n+int b = 2;\n");
    identities.push(buildIdentity(order({ patches: [more] })));
    const { steps } = await build({ patches: [more] }, "never").prepared();
    assert.equal(steps, 1);
    const kept = join(CACHE_DIR, "builds", buildIdentity(order({ patches: [more] })));
    assert.ok(!existsSync(join(kept, "compile.log")));
  });

  it("lets other machines compile if they have the same compiler", async (t) => {
    const printed: string[] = [];
    t.mock.method(console, "log", (line: string) => printed.push(line));
    // Another patch each time, so that each compile has its own cache.
    const object = async (title: string, ...ports: number[]) => {
      const patches = [
        patch(`${title}\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int a = 1;\n+int a = 3;\n`),
      ];
      const identity = buildIdentity(order({ patches }));
      identities.push(identity);
      const distcc = ports.map((port) => ({ port, jobs: 2 }));
      await build({ patches }, "always", distcc).prepared();
      const log = readFileSync(join(CACHE_DIR, "builds", identity, "compile.log"), "utf8");
      return /^object: (\S+)/m.exec(log)?.[1];
    };
    const own = await object("by itself");
    const free = await freePort();
    assert.equal(await object("with one that is off", free), own);
    const distccd = async (gcc: string) => {
      const port = await freePort();
      const { stop, ready, compiled } = startDistccd(port, gcc);
      t.after(stop);
      await until(ready);
      return { port, compiled };
    };
    const [same, another] = [await distccd('"$@"'), await distccd('-fno-ident "$@"')];
    assert.equal(await object("with two", same.port, another.port), own);
    // Once for the comparison of the compilers, then once for the object. distccd writes its log after it has
    // answered.
    await until(() => same.compiled() >= 2 && another.compiled() >= 1);
    assert.equal(same.compiled(), 2);
    assert.equal(another.compiled(), 1);
    const told = printed
      .map((line) => line.replace(/^.*host: /, ""))
      // Not the line of a build root with the package distcc.
      .filter((line) => /\bdistcc at /.test(line));
    assert.match(
      told[0] ?? "",
      RegExp(
        `^distcc at 127.0.0.1:${free}: found no compiler, so this helper is skipped; need gcc .*; fix: check the tunnel and the distccd at its end$`,
      ),
    );
    assert.match(
      told[1] ?? "",
      RegExp(
        `^distcc at 127.0.0.1:${another.port}: found another compiler, so this helper is skipped; need gcc .*; fix: `,
      ),
    );
    assert.match(told[2] ?? "", RegExp(`with the help of distcc at ${same.port}$`));
    assert.equal(told.length, 3);
  });

  const refused: [string, () => Partial<BuildOrder>, RegExp][] = [
    [
      "an unknown symbol in a fragment",
      () => ({ fragments: [{ name: "/srv/my.config", text: "CONFIG_QXL_TURBO=y\n" }] }),
      /^Error: g1: kernel: build: on the lab host: [^]*fragment my\.config: found unknown symbols QXL_TURBO, required symbols of this source's Kconfig files/,
    ],
    [
      "a patch that does not apply",
      () => ({ patches: [patch("--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-int b = 1;\n+int b = 2;\n")] }),
      /Hunk #1 FAILED[^]*patch \w{8}\.patch: found that it does not apply to [0-9a-f]{40} of \S+, see above; need a patch for this source/,
    ],
    [
      "a patch with another digest",
      () => ({ patches: [{ ...patch("--- a/a.c\n"), sha256: "0".repeat(64) }] }),
      /patch \w{8}\.patch: found another SHA-256; need 0{64}/,
    ],
    [
      "a commit that the repository does not have",
      () => ({ source: { git: source, commit: "1".repeat(40) } }),
      /found no commit 1{40} at \S+, see git's message above; need a commit that this repository has/,
    ],
    [
      "a package that the suite does not have",
      () => ({ source: { package: "linux-source-1.1", suite: "bookworm" } }),
      /found no package linux-source-1\.1 in bookworm at http\S+; need a package of this suite/,
    ],
  ];
  for (const [what, change, expected] of refused) {
    it(`refuses ${what}, and keeps nothing of it`, async () => {
      await assert.rejects(prepared(change()), expected);
      assert.ok(!existsSync(join(CACHE_DIR, "builds", buildIdentity(order(change())))));
    });
  }

  it("accepts a tar by URL, with any name of its top folder", async () => {
    const served = join(folder, "tars");
    mkdirSync(served);
    const tar = join(served, "linux-6.99.tar.gz");
    const packed = ["tar", "-C", folder, "--transform", "s/^source/linux-6.99/", "--exclude=.git"];
    assert.equal((await run([...packed, "-czf", tar, "source"])).code, 0);
    const sha256 = createHash("sha256").update(readFileSync(tar)).digest("hex");
    const { server, port } = await serve(served);
    try {
      const url = `http://127.0.0.1:${port}/linux-6.99.tar.gz`;
      const identity = buildIdentity(order({ source: { url, sha256 } }));
      identities.push(identity);
      const { release } = await prepared({ source: { url, sha256 } });
      assert.equal(release, `6.99.0-mirlab-${identity.slice(0, 8)}`);
    } finally {
      server.kill();
      rmSync(join(CACHE_DIR, "sources", `sha256-${sha256}`), { force: true });
    }
  });

  it("refuses a tar with another digest, and removes the download", async () => {
    const served = join(folder, "served");
    mkdirSync(served);
    writeFileSync(join(served, "linux.tar"), "not what was published");
    const { server, port } = await serve(served);
    try {
      const url = `http://127.0.0.1:${port}/linux.tar`;
      const sha256 = "2".repeat(64);
      await assert.rejects(
        prepared({ source: { url, sha256 } }),
        /found sha256:[0-9a-f]{64}; need sha256:2{64} for http:\S+; fix: check the digest with the publisher's signed sums; the download was removed/,
      );
      assert.ok(!existsSync(join(CACHE_DIR, "sources", `sha256-${sha256}.partial`)));
    } finally {
      server.kill();
    }
  });

  it("keeps a lab's package by its digest, and does not use a changed one", async () => {
    const identity = buildIdentity(order());
    const deb = Buffer.from("a package");
    const sum = createHash("sha256").update(deb).digest("hex");
    const one = build();
    await one.onHost("store", ["itest", sum], { stdin: deb });
    assert.equal((await one.onHost("find", ["itest"])).toString().trim(), sum);
    assert.equal((await one.onHost("find", ["another-lab"])).toString(), "");
    writeFileSync(join(CACHE_DIR, "builds", identity, "itest.deb"), "another package");
    assert.equal((await one.onHost("find", ["itest"])).toString(), "");
    await assert.rejects(
      one.onHost("store", ["itest", sum], { stdin: Buffer.from("x") }),
      /SHA-256/,
    );
  });
});

/** A web server of this folder, on loopback. */
async function serve(served: string) {
  const args = ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", served];
  const server = spawn("python3", args, { stdio: ["ignore", "pipe", "ignore"] });
  const port = await new Promise<string>((resolve) => {
    server.stdout.on("data", (text: Buffer) => {
      const found = /port (\d+)/.exec(text.toString())?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { server, port };
}

/**
 * Starts the build root's distccd on loopback, in place of another machine behind a tunnel. `gcc`:
 * arguments of its compiler, as shell words; distcc calls the compiler by its longer name. A
 * compile takes a second.
 */
function startDistccd(port: number, gcc: string) {
  const roots = join(CACHE_DIR, "roots");
  const tree = readdirSync(roots)
    .map((name) => join(roots, name, "tree"))
    .find((root) => existsSync(join(root, "usr", "bin", "distccd")));
  assert.ok(tree !== undefined, "a build root with distcc");
  const script = `
    mount -t tmpfs tmpfs "$0/tmp" && mount --rbind /dev "$0/dev"
    mkdir -m 0755 "$0/tmp/bin" && chmod 1777 "$0/tmp"
    printf '#!/bin/sh\nsleep 1\nexec /usr/bin/gcc %s\n' "$2" >"$0/tmp/bin/x86_64-linux-gnu-gcc" && chmod 0755 "$0"/tmp/bin/*
    chroot --userspec=65533:65533 "$0" env -i PATH=/tmp/bin:/usr/bin:/bin distccd --no-detach --daemon \\
      --listen 127.0.0.1 --allow 127.0.0.1 --port "$1" --jobs 2 --log-stderr --log-level info & wait`;
  const words = ["--mount", "--pid", "--fork", "--kill-child", "bash", "-ec", script, tree];
  const server = spawn("unshare", [...words, String(port), gcc], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  server.stderr.on("data", (text: Buffer) => (log += text.toString()));
  const ended = new Promise((resolve) => server.once("exit", resolve));
  return {
    ready: () => /daemon started/.test(log),
    compiled: () => log.match(/COMPILE_OK/g)?.length ?? 0,
    stop: async () => {
      server.kill("SIGKILL");
      await ended;
    },
  };
}

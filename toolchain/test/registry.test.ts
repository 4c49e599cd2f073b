import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Sandbox, version, type Result } from "./support";

// Go is faked: every other use of the engine proves what Go builds. These tests are about which
// parts are built, when and with which settings, and about the messages when a build fails.
describe("the registry way", () => {
  let box: Sandbox;

  beforeEach(() => {
    box = new Sandbox();
    box.copyTree();
    fakeGo();
  });

  afterEach(() => box.remove());

  interface FakeGo {
    version?: string;
    toolchain?: string;
    /** Runs before the result is written. */
    build?: string;
    /** A line in every program that it builds. */
    mark?: string;
  }

  function fakeGo(settings: FakeGo = {}): void {
    box.executable(
      "go",
      `#!/bin/bash
case "$1 $2" in
  "env GOVERSION") echo ${settings.version ?? "go1.26.6"} ;;
  "env GOTOOLCHAIN") echo ${settings.toolchain ?? "local"} ;;
  "env GOCACHE") echo "${box.dir}/gocache" ;;
  "-C "*)
    echo "$(basename "$2") GOFLAGS=$GOFLAGS GOWORK=$GOWORK" >>"${box.dir}/builds"
    ${settings.build ?? ""}
    while (($#)); do
      if [[ $1 == -o ]]; then
        printf '#!/bin/sh\\n# ${settings.mark ?? ""}\\necho v${version}\\n' >"$2" && chmod 755 "$2"
      fi
      shift
    done
    ;;
esac
`,
    );
  }

  function builds(): string[] {
    const file = path.join(box.dir, "builds");
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    fs.rmSync(file, { force: true });
    return text.split("\n").filter((line) => line !== "");
  }

  function pulumi(env: NodeJS.ProcessEnv = {}): Promise<Result> {
    return box.pulumi(["version"], { MIRLAB_TOOLCHAIN: "registry", ...env });
  }

  it("builds the five parts once, with its own Go settings, and shows progress", async () => {
    const first = await pulumi({
      GOFLAGS: "-mod=vendor -tags=nonsense",
      GOWORK: "/nowhere/go.work",
    });
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stdout, `v${version}\n`);
    const settings = "GOFLAGS=-mod=readonly GOWORK=off";
    assert.deepEqual(
      builds(),
      ["cli", "nodehost", "bridge", "tf-provider-libvirt", "command"].map(
        (part) => `${part} ${settings}`,
      ),
    );
    assert.match(first.stderr, /^toolchain: 3 of 5 bridge v3\.136\.0 \.\.\.$/m);

    const second = await pulumi();
    assert.equal(second.stderr, "");
    assert.deepEqual(builds(), []);
  });

  it("rebuilds only the part with changed sources, and installs it", async () => {
    assert.equal((await pulumi()).code, 0);
    builds();
    fs.appendFileSync(path.join(box.tree, "toolchain", "command", "main.go"), "\n// changed\n");
    fakeGo({ mark: "changed" });
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(
      builds().map((line) => line.split(" ")[0]),
      ["command"],
    );
    const dir = path.join(box.home, "pulumi", "plugins", "resource-command-v1.2.1");
    assert.deepEqual(fs.readdirSync(dir), ["pulumi-resource-command"]);
    assert.match(fs.readFileSync(path.join(dir, "pulumi-resource-command"), "utf8"), /# changed/);
  });

  it("does not rebuild for a changed test file", async () => {
    assert.equal((await pulumi()).code, 0);
    builds();
    fs.writeFileSync(path.join(box.tree, "toolchain", "nodehost", "new_test.go"), "package main\n");
    assert.equal((await pulumi()).code, 0);
    assert.deepEqual(builds(), []);
  });

  it("starts over after a kill in the middle of a build", async () => {
    fakeGo({ build: `echo started >"${box.dir}/started"; sleep 60` });
    const child = spawn(path.join(box.tree, "bin", "pulumi"), ["version"], {
      env: box.env({ MIRLAB_TOOLCHAIN: "registry" }),
      stdio: "ignore",
      detached: true,
    });
    while (!fs.existsSync(path.join(box.dir, "started"))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill(-(child.pid ?? 0), "SIGKILL");
    builds();
    fakeGo();
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.equal(builds().length, 5);
    assert.deepEqual(
      box.files("cache", "toolchain", "registry").filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("stops the build and its children on Ctrl-C", async () => {
    fakeGo({ build: `echo $$ >"${box.dir}/started"; exec sleep 60` });
    const child = spawn(path.join(box.tree, "bin", "pulumi"), ["version"], {
      env: box.env({ MIRLAB_TOOLCHAIN: "registry" }),
      stdio: "ignore",
      detached: true,
    });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const started = path.join(box.dir, "started");
    while (!fs.existsSync(started) || fs.readFileSync(started, "utf8") === "") {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const build = Number(fs.readFileSync(started, "utf8"));
    process.kill(-(child.pid ?? 0), "SIGINT");
    await ended;
    assert.throws(() => process.kill(build, 0), /ESRCH/);
  });

  it("shows the last lines and the path of a failed build's log", async () => {
    fakeGo({ build: 'echo "proxy: no route" >&2; exit 1' });
    const result = await pulumi();
    assert.equal(result.code, 1);
    assert.match(result.stderr, /proxy: no route/);
    assert.match(
      result.stderr,
      /cli v[\d.]+: found a failed build; need .*; fix: .*; log: .*\/log\/cli\.log/,
    );
    assert.deepEqual(
      box.files("cache", "toolchain", "registry").filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("names the fix for an old Go, once", async () => {
    fakeGo({ version: "go1.19.8" });
    const result = await pulumi();
    assert.equal(result.code, 1);
    const lines = result.stderr.split("\n").filter((line) => line.includes("Go: found"));
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? "",
      /found 1\.19\.8; need Go [\d.]+ or newer; fix: install it from https:\/\/go\.dev/,
    );
    assert.deepEqual(builds(), []);
  });

  it("accepts an old Go that can fetch a newer one", async () => {
    fakeGo({ version: "go1.22.1", toolchain: "auto" });
    assert.equal((await pulumi()).code, 0);
  });

  it("names the fix for a missing Go", async () => {
    // All of /usr/bin but go and pulumi.
    const farm = path.join(box.dir, "farm");
    fs.mkdirSync(farm);
    for (const name of fs.readdirSync("/usr/bin")) {
      if (name !== "go" && !name.startsWith("pulumi")) {
        fs.symlinkSync(path.join("/usr/bin", name), path.join(farm, name));
      }
    }
    const result = await pulumi({ PATH: farm });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /Go: found none on PATH; need Go [\d.]+ or newer; fix: install it/);
  });
});

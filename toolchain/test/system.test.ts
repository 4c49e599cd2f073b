import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { fakeCli, ReleaseServer, root, Sandbox, version, type Result } from "./support";

describe("the system way", () => {
  let box: Sandbox;
  let server: ReleaseServer;
  let url: string;

  beforeEach(async () => {
    box = new Sandbox();
    server = new ReleaseServer();
    url = await server.start();
  });

  afterEach(async () => {
    await server.stop();
    box.remove();
  });

  function pulumi(env: NodeJS.ProcessEnv = {}): Promise<Result> {
    return box.pulumi(["version"], { MIRLAB_VENDOR_URL: url, ...env });
  }

  function recordedEngine(): string {
    return (
      fs.readFileSync(path.join(box.home, "pulumi", ".toolchain"), "utf8").split("\n")[1] ?? ""
    );
  }

  it("uses a pulumi of the pinned version and adds the plugins", async () => {
    box.executable("pulumi", fakeCli());
    box.executable("pulumi-language-nodejs", "#!/bin/sh\n");
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.equal(recordedEngine(), box.bin);
    assert.equal(box.files("home", "pulumi", "plugins").length, 2);
    assert.equal(server.archiveRequests().length, 3, "the CLI itself is not downloaded");
  });

  it("falls back to the vendor for another version, and prints why in one line", async () => {
    box.executable("pulumi", fakeCli("3.1.0"));
    box.executable("pulumi-language-nodejs", "#!/bin/sh\n");
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, `v${version}\n`);
    const reasons = result.stderr.split("\n").filter((line) => line.includes("system pulumi"));
    assert.equal(reasons.length, 1);
    assert.match(reasons[0] ?? "", /found .*\/bin\/pulumi v3\.1\.0; need pulumi v/);
    assert.ok(reasons[0]?.includes(`need pulumi v${version} on PATH`), reasons[0]);
    assert.match(recordedEngine(), /\/vendor\//);
  });

  it("looks again where a package manager has put another version in its place", async () => {
    box.executable("pulumi", fakeCli());
    box.executable("pulumi-language-nodejs", "#!/bin/sh\n");
    assert.equal((await pulumi()).code, 0);
    box.executable("pulumi", fakeCli("3.1.0"));
    const result = await pulumi();
    assert.equal(result.stdout, `v${version}\n`, result.stderr);
    assert.match(result.stderr, /found .*\/bin\/pulumi v3\.1\.0; need pulumi v/);
    assert.match(recordedEngine(), /\/vendor\//);
  });

  it("requires the language host beside it", async () => {
    box.executable("pulumi", fakeCli());
    const result = await pulumi({ MIRLAB_TOOLCHAIN: "system" });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /v[\d.]+ without pulumi-language-nodejs/);
  });

  it("does not count this project's own bin/pulumi", async () => {
    fs.symlinkSync(path.join(root, "bin", "pulumi"), path.join(box.bin, "pulumi"));
    const result = await pulumi({ MIRLAB_TOOLCHAIN: "system" });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /system pulumi: found none/);
  });

  it("does not count another checkout's bin/pulumi either", async () => {
    box.copyTree();
    fs.symlinkSync(path.join(root, "bin", "pulumi"), path.join(box.bin, "pulumi"));
    const result = await pulumi({ MIRLAB_TOOLCHAIN: "system" });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /system pulumi: found none/);
  });

  it("lists the three ways when MIRLAB_TOOLCHAIN is a fourth one", async () => {
    const result = await pulumi({ MIRLAB_TOOLCHAIN: "docker" });
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /MIRLAB_TOOLCHAIN: found docker; need system, vendor or registry; fix: /,
    );
  });
});

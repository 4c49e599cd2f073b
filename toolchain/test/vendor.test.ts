import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as fs from "node:fs";
import * as path from "node:path";
import {
  archives,
  ReleaseServer,
  Sandbox,
  sha256,
  tarGz,
  version,
  zip,
  type Result,
} from "./support";

describe("the vendor way", () => {
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
    return box.pulumi(["version"], { MIRLAB_TOOLCHAIN: "vendor", MIRLAB_VENDOR_URL: url, ...env });
  }

  function assertNothingInstalled(): void {
    assert.deepEqual(box.files("home", "pulumi", "plugins"), []);
    assert.deepEqual(
      box.files("cache", "toolchain", "vendor").filter((name) => name.startsWith("pulumi-v")),
      [],
    );
    assert.equal(fs.existsSync(path.join(box.home, "pulumi", ".toolchain")), false);
  }

  it("downloads and installs verified archives once", async () => {
    const first = await pulumi();
    assert.equal(first.code, 0, first.stderr);
    assert.equal(first.stdout, `v${version}\n`);
    assert.deepEqual(box.files("home", "pulumi", "plugins"), [
      "resource-command-v1.2.1",
      "resource-terraform-provider-v1.1.0",
    ]);
    const provider = path.join(
      box.home,
      "pulumi/dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt/0.8.3",
    );
    const [platform = ""] = fs.readdirSync(provider);
    assert.match(platform, /^linux_(amd64|arm64)$/);
    const binary = path.join(provider, platform, "terraform-provider-libvirt");
    assert.equal(fs.readFileSync(binary, "utf8"), "#!/bin/sh\n# libvirt\n");
    assert.equal(fs.statSync(binary).mode & 0o777, 0o755);
    assert.deepEqual(
      box.files("cache", "toolchain", "download").filter((name) => name.endsWith("z")),
      [],
    );

    const asked = server.requests.length;
    const second = await pulumi();
    assert.equal(second.code, 0, second.stderr);
    assert.equal(second.stderr, "");
    assert.equal(server.requests.length, asked);
  });

  it("fills a new home from the cache without the network", async () => {
    assert.equal((await pulumi()).code, 0);
    await server.stop();
    const again = await pulumi({ MIRLAB_HOME: path.join(box.dir, "other") });
    assert.equal(again.code, 0, again.stderr);
    assert.equal(box.files("other", "pulumi", "plugins").length, 2);
    server = new ReleaseServer();
    await server.start();
  });

  it("refuses a tampered archive, names both digests and keeps it in quarantine", async () => {
    const tampered = tarGz([{ name: "pulumi/pulumi", content: "#!/bin/sh\necho evil\n" }]);
    server.sent.cli = tampered;
    const result = await pulumi();
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      new RegExp(`${archives.cli}: found SHA-256 ${sha256(tampered)}; need `),
    );
    assert.match(result.stderr, new RegExp(`need ${sha256(server.content.cli)}; fix: `));
    assert.deepEqual(box.files("cache", "toolchain", "quarantine"), [
      `${archives.cli}.${sha256(tampered)}`,
    ]);
    assertNothingInstalled();

    delete server.sent.cli;
    assert.equal((await pulumi()).code, 0, "accepts a correct archive later");
  });

  it("refuses a truncated archive that claims to be whole", async () => {
    const half = server.content.bridge.subarray(0, server.content.bridge.length / 2);
    server.sent.bridge = half;
    const result = await pulumi();
    assert.equal(result.code, 1);
    assert.ok(result.stderr.includes(sha256(half)), result.stderr);
    assert.ok(result.stderr.includes(sha256(server.content.bridge)), result.stderr);
    assert.deepEqual(box.files("home", "pulumi", "plugins"), []);
  });

  it("resumes after a dropped connection", async () => {
    server.cutOnceAfter = 100;
    const cut = await pulumi();
    assert.equal(cut.code, 1);
    assert.match(cut.stderr, /unfinished download \(curl: \(18\)/);
    assertNothingInstalled();

    const resumed = await pulumi();
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.ok(server.requests.some((request) => request.endsWith(`${archives.cli}#100`)));
  });

  it("downloads from the start when a resumed file is wrong", async () => {
    const downloads = path.join(box.cache, "toolchain", "download");
    fs.mkdirSync(downloads, { recursive: true, mode: 0o755 });
    fs.writeFileSync(path.join(downloads, `${archives.cli}.partial`), "of another file");
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, `v${version}\n`);
  });

  it("refuses a release without checksums, or without one for the archive", async () => {
    server.checksums.cli = undefined;
    const missing = await pulumi();
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /pulumi-[\d.]+-checksums\.txt: found no answer from http.*404/);

    server.checksums.cli = `${"0".repeat(64)}  another-file\n`;
    const absent = await pulumi();
    assert.equal(absent.code, 1);
    assert.match(
      absent.stderr,
      /found no digest in pulumi-[\d.]+-checksums\.txt; need one SHA-256/,
    );
    assert.deepEqual(server.archiveRequests(), []);
    assertNothingInstalled();
  });

  it("gives up on a server that accepts the connection and stays silent", async () => {
    server.silent = true;
    const started = Date.now();
    const result = await pulumi({ MIRLAB_VENDOR_STALL_S: "1" });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /no answer from http/);
    // A bound, not a measurement: without the limit this would wait for minutes.
    assert.ok(Date.now() - started < 15_000);
  });

  it("extracts only the named files of an archive", async () => {
    server.content.command = tarGz([
      { name: "../../escaped", content: "x" },
      { name: "/tmp/toolchain-test-escaped", content: "x" },
      { name: "pulumi-resource-command", content: "#!/bin/sh\n# honest\n" },
      { name: "README.md", content: "x" },
    ]);
    const result = await pulumi();
    assert.equal(result.code, 0, result.stderr);
    assert.equal(fs.existsSync("/tmp/toolchain-test-escaped"), false);
    const all = fs.readdirSync(box.dir, { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      all.filter((file) => /escaped|README/.test(file)),
      [],
    );
  });

  it("refuses a link in place of a program", async () => {
    server.content.command = tarGz([{ name: "pulumi-resource-command", linkTo: "/bin/sh" }]);
    const result = await pulumi();
    assert.equal(result.code, 1);
    assert.match(result.stderr, /pulumi-resource-command empty or a link; need a regular file/);
    assert.deepEqual(box.files("home", "pulumi", "plugins"), []);
  });

  it("refuses an archive of another layout", async () => {
    server.content.libvirt = zip("something-else", "x");
    const result = await pulumi();
    assert.equal(result.code, 1);
    assert.match(result.stderr, /no terraform-provider-libvirt_v0\.8\.3 in it/);
  });

  it("downloads once for two that start together", async () => {
    const [one, two] = await Promise.all([
      pulumi(),
      pulumi({ MIRLAB_HOME: path.join(box.dir, "other") }),
    ]);
    assert.equal(one.code, 0, one.stderr);
    assert.equal(two.code, 0, two.stderr);
    assert.equal(server.archiveRequests().length, 4);
    assert.equal(box.files("other", "pulumi", "plugins").length, 2);
  });
});

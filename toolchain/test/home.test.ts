import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { fakeCli, ReleaseServer, root, run, Sandbox } from "./support";

describe("the engine's home", () => {
  let box: Sandbox;
  let server: ReleaseServer;
  let env: NodeJS.ProcessEnv;

  beforeEach(async () => {
    box = new Sandbox();
    server = new ReleaseServer();
    env = { MIRLAB_VENDOR_URL: await server.start() };
    box.executable("pulumi", fakeCli());
    box.executable("pulumi-language-nodejs", "#!/bin/sh\n");
  });

  afterEach(async () => {
    await server.stop();
    box.remove();
  });

  async function environment(extra: NodeJS.ProcessEnv = {}): Promise<Record<string, string>> {
    const result = await box.pulumi(["show-environment"], { ...env, ...extra });
    assert.equal(result.code, 0, result.stderr);
    const pairs = result.stdout.split("\n").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    });
    return Object.fromEntries(pairs);
  }

  function mode(...below: string[]): number {
    return fs.statSync(path.join(box.home, ...below)).mode & 0o777;
  }

  it("may have any name that a folder can have: what a URL takes for its own is escaped", async () => {
    const home = path.join(box.home, "100 %41's Büro? #1");
    const found = await environment({ MIRLAB_HOME: home });
    const { PULUMI_BACKEND_URL: url = "" } = found;
    assert.ok(url.startsWith("file:///"), url);
    assert.equal(decodeURIComponent(new URL(url).pathname), `${home}/state`);
    assert.ok(fs.existsSync(`${home}/state`));
  });

  it("is private, with a file backend and a passphrase that no command line shows", async () => {
    const found = await environment();
    assert.equal(found["PULUMI_HOME"], path.join(box.home, "pulumi"));
    assert.equal(found["PULUMI_BACKEND_URL"], `file://${box.home}/state`);
    assert.equal(found["PULUMI_CONFIG_PASSPHRASE_FILE"], path.join(box.home, "passphrase"));
    assert.equal(found["PULUMI_CONFIG_PASSPHRASE"], undefined);
    assert.equal(found["PULUMI_SKIP_UPDATE_CHECK"], "1");
    assert.equal(found["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
    assert.deepEqual([mode(), mode("state"), mode("passphrase")], [0o700, 0o700, 0o600]);
    assert.ok(fs.statSync(path.join(box.home, "passphrase")).size > 40);
  });

  it("does without a TMPDIR that is not there, and keeps one that is", async () => {
    const missing = await environment({ TMPDIR: path.join(box.dir, "missing") });
    assert.equal(missing["TMPDIR"], undefined);
    const found = await environment({ TMPDIR: box.dir });
    assert.equal(found["TMPDIR"], box.dir);
  });

  it("creates the passphrase once, also when three start together", async () => {
    await Promise.all([environment(), environment(), environment()]);
    const first = fs.readFileSync(path.join(box.home, "passphrase"), "utf8");
    await environment();
    assert.equal(fs.readFileSync(path.join(box.home, "passphrase"), "utf8"), first);
    assert.deepEqual(box.files("home"), ["passphrase", "provider", "pulumi", "state"]);
  });

  it("keeps the user's own backend and passphrase", async () => {
    const found = await environment({
      PULUMI_BACKEND_URL: "file:///somewhere",
      PULUMI_CONFIG_PASSPHRASE: "",
    });
    assert.equal(found["PULUMI_BACKEND_URL"], "file:///somewhere");
    assert.equal(found["PULUMI_CONFIG_PASSPHRASE"], "");
    assert.equal(found["PULUMI_CONFIG_PASSPHRASE_FILE"], undefined);
    assert.deepEqual(box.files("home"), ["provider", "pulumi"]);
  });

  it("refuses a home that others can read, and names the fix", async () => {
    fs.mkdirSync(box.home);
    fs.chmodSync(box.home, 0o750);
    const result = await box.pulumi(["version"], env);
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /MIRLAB_HOME: found .*home with mode 750; need mode 700; fix: chmod 700 '/,
    );
    assert.deepEqual(box.files("home"), []);
  });

  it("refuses a passphrase that others can read, and an empty one", async () => {
    await environment();
    const file = path.join(box.home, "passphrase");
    fs.chmodSync(file, 0o644);
    const readable = await box.pulumi(["version"], env);
    assert.equal(readable.code, 1);
    assert.match(readable.stderr, /passphrase: found .* mode 644; need .* fix: chmod 600 '/);
    fs.chmodSync(file, 0o600);
    fs.truncateSync(file);
    const empty = await box.pulumi(["version"], env);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /which is empty/);
  });

  it("refuses a home that is a file or a relative path", async () => {
    fs.writeFileSync(box.home, "");
    assert.match((await box.pulumi(["version"], env)).stderr, /which is not a directory/);
    const relative = await box.pulumi(["version"], { ...env, MIRLAB_HOME: "here" });
    assert.match(relative.stderr, /MIRLAB_HOME: found here; need an absolute path/);
  });

  it("refuses a cache that others can write, because it holds programs", async () => {
    fs.mkdirSync(box.cache);
    fs.chmodSync(box.cache, 0o777);
    const result = await box.pulumi(["version"], env);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /MIRLAB_CACHE: found .* mode 777; need mode 755; fix: chmod 755/);
  });

  it("works through a link and with spaces in its paths", async () => {
    const link = path.join(box.dir, "a link");
    fs.symlinkSync(path.join(root, "bin", "pulumi"), link);
    const result = await run(
      link,
      ["version"],
      box.env({ ...env, MIRLAB_HOME: path.join(box.dir, "a home") }),
    );
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, "v3.276.0\n");
  });
});

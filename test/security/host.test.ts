/** Attacks on the host's side of a lab: arguments, links, sockets, names, packages. No guest. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run, RunResult } from "../../core/exec.io";
import { hostFacts } from "../../components/host/facts.io";
import { runOnHost } from "../../core/link.io";
import { checkHost } from "../../components/host/checks";
import { readLab } from "../../config/lab";
import { closed, listen } from "../integration/loopback";
import { ROOT, virsh } from "../integration/support";

const NAME = `mirlab-test-attack-${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "mirlab-attack-"));
const canary = join(folder, "canary");

describe("the host of a lab", { timeout: 300_000 }, () => {
  before(async () => {
    process.chdir(ROOT);
    const started = await run(["scripts/host/libvirtd.sh", "start"], { timeoutMs: 90_000 });
    assert.equal(started.code, 0, started.stderr);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const hostile = [
    `; touch ${canary}`,
    `$(touch ${canary})`,
    `\`touch ${canary}\``,
    `a\ntouch ${canary}\n`,
    `' ; touch ${canary} ; '`,
    `" ; touch ${canary} ; "`,
    `| touch ${canary}`,
    `--help; touch ${canary}`,
    "--connect=test:///default",
    "-x",
    "../../../../etc/passwd",
    "é\u202e\u0007名",
    "a".repeat(300),
  ];
  /** Scripts with a hostile word as one argument. With a harmless word they change nothing. */
  const scripts: readonly (readonly [string, (word: string) => readonly string[]])[] = [
    ["domain-observe.sh", (word) => [word, "0123456789abcdef"]],
    ["domain-observe.sh", (word) => [NAME, word]],
    ["domain-device.sh", (word) => ["detach", word]],
    ["domain-device.sh", (word) => [word, NAME]],
    ["orphan.sh", (word) => ["pool", word, "/nowhere"]],
    ["orphan.sh", (word) => ["network", word, "stack"]],
    ["orphan.sh", (word) => ["network", NAME, word]],
    ["ports.sh", (word) => ["reserve", folder, word, "0"]],
    ["ports.sh", (word) => ["reserve", folder, NAME, word]],
    ["ports.sh", (word) => [word, folder, NAME, "0"]],
    ["screen-tls.sh", (word) => ["digest", word]],
    ["screen-tls.sh", (word) => [word, "/etc/pki/libvirt-spice/mirlab-none"]],
    ["seed.sh", (word) => ["digest", word]],
    ["seed.sh", (word) => [word, join(folder, "seed.iso")]],
    ["serial-tail.sh", (word) => [join(folder, "none.log"), word]],
    ["share-nonce.sh", (word) => ["answered", folder, word]],
  ];
  it("takes hostile words as words, or refuses them", async () => {
    let tried = 0;
    for (const [name, args] of scripts) {
      for (const word of hostile) {
        const ended = await runOnHost(undefined, name, args(word), { stdin: "<device/>" });
        const what = `${name} ${JSON.stringify(args(word))}: ${ended.stderr}`;
        assert.ok(!existsSync(canary), what);
        // A valid word, or the name of a pool or network that does not exist.
        if (ended.code === 0) assert.ok(/^a+$/.test(word) || name === "orphan.sh", what);
        assert.doesNotMatch(ended.stdout.toString(), /root:x:/, what);
        tried++;
      }
    }
    assert.equal(tried, scripts.length * hostile.length);
  });

  it("refuses a share that is a link out of where it seems to be", async () => {
    const share = join(folder, "share");
    symlinkSync("/etc", share);
    const { lab } = readLab({ guests: [{ name: "mir", share: { path: share } }] });
    assert.ok(lab !== undefined);
    const findings = checkHost(await hostFacts(undefined, lab), lab, "test");
    const [finding] = findings.filter(({ id }) => id === "share");
    assert.equal(finding?.severity, "fail");
    assert.equal(finding.found, `${share}, a link: '/etc' is in the system folder /etc`);
  });

  it("lets no other user of the host use libvirt", async () => {
    const asOther = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    for (const way of [[], ["--readonly"]]) {
      const words = ["env", "HOME=/nonexistent", "virsh", ...way, "--connect", "qemu:///system"];
      const ended = await run([...asOther, ...words, "list", "--all"]);
      // polkit may allow everybody a read-only connection.
      if (way.length > 0 && ended.code === 0) continue;
      assert.notEqual(ended.code, 0, ended.stdout.toString());
      assert.match(ended.stderr, /failed to connect to the hypervisor/);
    }
  });

  it("makes no way through a pool or a network without the lab's mark", async () => {
    const foreign = join(folder, "foreign");
    mkdirSync(foreign);
    const pool = `<pool type='dir'><name>${NAME}</name><target><path>${foreign}</path></target></pool>`;
    const mark = `<metadata><mirlab:owner xmlns:mirlab='urn:mirlab:1'><mirlab:stack>other</mirlab:stack></mirlab:owner></metadata>`;
    const network = `<network><name>${NAME}</name>${mark}</network>`;
    writeFileSync(join(folder, "pool.xml"), pool);
    writeFileSync(join(folder, "network.xml"), network);
    assert.equal(await virsh("pool-define", join(folder, "pool.xml")), "");
    assert.equal(await virsh("net-define", join(folder, "network.xml")), "");
    try {
      const attempts: [string[], RegExp][] = [
        [["pool", NAME, "/var/lib/mirlab/test/pool"], /need the name free or the pool on/],
        [["network", NAME, "test"], /network .* of stack other; need the name free/],
      ];
      for (const [words, message] of attempts) {
        const ended = await runOnHost(undefined, "orphan.sh", words);
        assert.notEqual(ended.code, 0);
        assert.match(ended.stderr, message);
      }
      assert.match(await virsh("pool-dumpxml", NAME), new RegExp(foreign));
      assert.match(await virsh("net-dumpxml", NAME), new RegExp(NAME));
    } finally {
      await virsh("pool-undefine", NAME);
      await virsh("net-undefine", NAME);
    }
  });

  it("installs no npm package that is not the locked one", async () => {
    /** A package with an install script, packed by `npm pack`. */
    const packed = async (name: string, text: string): Promise<Buffer> => {
      const at = join(folder, name);
      mkdirSync(at);
      const scripts = { postinstall: `touch ${canary}` };
      const file = { name: "victim", version: "1.0.0", scripts };
      writeFileSync(join(at, "package.json"), JSON.stringify(file));
      writeFileSync(join(at, "index.js"), text);
      const ended = await run(["npm", "pack", "--silent", "--pack-destination", at, at]);
      assert.equal(ended.code, 0, ended.stderr);
      return readFileSync(join(at, "victim-1.0.0.tgz"));
    };
    const published = await packed("published", "module.exports = 1;\n");
    let served = await packed("altered", "module.exports = 2;\n");
    const server = createServer((_request, response) => response.end(served));
    const url = await listen(server);
    const integrity = `sha512-${createHash("sha512").update(published).digest("base64")}`;
    const resolved = `${url}/victim-1.0.0.tgz`;
    const at = join(folder, "project");
    mkdirSync(at);
    cpSync(join(ROOT, ".npmrc"), join(at, ".npmrc"));
    const root = { name: "project", version: "1.0.0", dependencies: { victim: resolved } };
    writeFileSync(join(at, "package.json"), JSON.stringify(root));
    const packages = {
      "": root,
      "node_modules/victim": { version: "1.0.0", resolved, integrity, hasInstallScript: true },
    };
    const lock = { name: "project", version: "1.0.0", lockfileVersion: 3, packages };
    writeFileSync(join(at, "package-lock.json"), JSON.stringify(lock));
    const install = (): Promise<RunResult> =>
      run(["npm", "ci", "--prefix", at, "--cache", join(folder, "npm"), "--fetch-retries=0"], {
        // Under `npm run --silent` this npm would be silent too.
        env: { npm_config_loglevel: "error" },
        timeoutMs: 120_000,
      });
    try {
      const refused = await install();
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /EINTEGRITY/);
      assert.ok(!existsSync(join(at, "node_modules", "victim")));
      served = published;
      const installed = await install();
      assert.equal(installed.code, 0, installed.stderr);
      assert.ok(existsSync(join(at, "node_modules", "victim", "index.js")));
      assert.ok(!existsSync(canary), "its install script ran");
    } finally {
      await closed(server);
    }
  });
});

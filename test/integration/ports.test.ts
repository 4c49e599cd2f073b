/** ports.sh in a folder of its own: no two guests share a port, and a guest keeps its ports. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { run, RunResult } from "../../core/exec.io";
import { closed, freePort, listen, portOf } from "./loopback";

const SCRIPT = "scripts/host/ports.sh";
const folder = mkdtempSync(join(tmpdir(), "mirlab-ports-"));
let data = "";

const ports = (verb: string, ...args: (string | number)[]): Promise<RunResult> =>
  run(["bash", SCRIPT, verb, data, ...args.map(String)]);

/** Reserves ports, and returns them. */
async function reserve(name: string, ...wishes: (string | number)[]): Promise<number[]> {
  const result = await ports("reserve", name, ...wishes);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout.toString(), /^\d+( \d+)*\n$/);
  return result.stdout.toString().trim().split(" ").map(Number);
}

async function refused(name: string, wishes: (string | number)[], reason: string | RegExp) {
  const { code, stdout, stderr } = await ports("reserve", name, ...wishes);
  assert.deepEqual([code, stdout.toString()], [1, ""]);
  if (typeof reason === "string") assert.equal(stderr, `ports: ${reason}\n`);
  else assert.match(stderr, reason);
}

describe("ports.sh", { timeout: 300_000 }, () => {
  beforeEach(() => {
    data = join(mkdtempSync(join(folder, "lab-")), "data");
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("gives a guest the same ports again", async () => {
    const first = await reserve("dev.mir", 0, 0);
    assert.equal(new Set(first).size, 2);
    for (const port of first) assert.ok(port >= 22000 && port < 30000, String(port));
    assert.deepEqual(await reserve("dev.mir", 0, 0), first);
    assert.equal(readFileSync(join(data, "ports", "dev.mir"), "utf8"), `${first.join(" ")}\n`);
  });

  it("gives a guest its ports again while it listens on them", async () => {
    const server = createServer();
    const [port = 0] = await reserve("dev.mir", 0);
    server.listen(port, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      assert.deepEqual(await reserve("dev.mir", 0), [port]);
      assert.deepEqual(await reserve("dev.mir", port), [port]);
    } finally {
      await closed(server);
    }
  });

  it("gives 20 guests at the same time 40 different ports", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `dev.g${i}`);
    const all = await Promise.all(names.map((name) => reserve(name, 0, 0)));
    assert.equal(new Set(all.flat()).size, 40);
    const again = await Promise.all(names.map((name) => reserve(name, 0, 0)));
    assert.deepEqual(again, all);
  });

  it("gives the requested port, and keeps the guest's other one", async () => {
    const wish = await freePort();
    const [, spice = 0] = await reserve("dev.mir", 0, 0);
    assert.deepEqual(await reserve("dev.mir", wish, 0), [wish, spice]);
    assert.deepEqual(await reserve("dev.mir", 0, 0), [wish, spice]);
  });

  it("never gives a guest one port twice, whichever port changes", async () => {
    const [ssh = 0, spice = 0] = await reserve("dev.mir", 0, 0);
    // Requests the guest's own other port.
    const moved = await reserve("dev.mir", 0, ssh);
    assert.equal(moved[1], ssh);
    assert.notEqual(moved[0], ssh);
    const back = await reserve("dev.mir", spice, 0);
    assert.equal(back[0], spice);
    assert.notEqual(back[1], spice);
    assert.deepEqual(await reserve("dev.mir", ssh, spice), [ssh, spice]);
    // The second one requests the port that would be chosen for the first.
    await ports("release", "dev.mir");
    const again = await reserve("dev.mir", 0, ssh);
    assert.equal(again[1], ssh);
    assert.notEqual(again[0], ssh);
    await refused(
      "dev.mir",
      [ssh, ssh],
      `found port ${ssh} twice; need different ports; fix: choose another port`,
    );
  });

  it("refuses a port that another guest has", async () => {
    const [port = 0] = await reserve("dev.one", 0);
    await refused(
      "dev.two",
      [port],
      `found port ${port} reserved by dev.one; need a free one; fix: choose another port`,
    );
    assert.ok(!existsSync(join(data, "ports", "dev.two")));
  });

  it("refuses a port that something listens on, and names it", async () => {
    const server = createServer();
    await listen(server);
    try {
      const port = portOf(server);
      const who = `users:\\(\\("[^"]+",pid=${process.pid},fd=\\d+\\)\\)`;
      await refused(
        "dev.mir",
        [port],
        new RegExp(
          `^ports: found port ${port} in use by ${who}; need a free one; fix: choose another port\n$`,
        ),
      );
    } finally {
      await closed(server);
    }
  });

  it("skips a port that something listens on", async () => {
    const [port = 0] = await reserve("dev.mir", 0);
    await ports("release", "dev.mir");
    const server = createServer();
    server.listen(port, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      assert.notDeepEqual(await reserve("dev.mir", 0), [port]);
    } finally {
      await closed(server);
    }
  });

  it("frees a guest's ports when they are released, and leaves no folder of its own", async () => {
    const [port = 0] = await reserve("dev.one", 0);
    await reserve("dev.two", 0);
    assert.equal((await ports("release", "dev.one")).code, 0);
    assert.deepEqual(readdirSync(join(data, "ports")), ["dev.two"]);
    assert.deepEqual(await reserve("dev.three", port), [port]);
    for (const name of ["dev.two", "dev.three"]) await ports("release", name);
    assert.ok(!existsSync(join(data, "ports")));
    // Once more, and for a lab that never existed.
    assert.equal((await ports("release", "dev.one")).code, 0);
    rmSync(data, { recursive: true });
    assert.equal((await ports("release", "dev.one")).code, 0);
    assert.ok(!existsSync(data), "releasing makes nothing");
  });

  it("reports invalid ports, names and verbs, and a damaged reservation", async () => {
    for (const wish of ["x", "-1", "65536", "08080", "1;2", ""]) {
      await refused("dev.mir", [wish], `found port '${wish}'; need 0 to 65535`);
    }
    for (const name of ["", "../up", ".hidden", "a b", "a/b"]) {
      await refused(name, [0], `found name '${name}'; need letters, digits, . _ -`);
    }
    const verb = await ports("steal", "dev.mir");
    assert.equal(verb.stderr, "ports: found verb 'steal'; need reserve, keep or release\n");
    await reserve("dev.mir", 0);
    const file = join(data, "ports", "dev.mir");
    writeFileSync(file, "$(reboot)\n");
    await refused(
      "dev.mir",
      [0],
      `found ${file} without a list of ports; need one; fix: remove the file: the guest gets new ports`,
    );
  });

  it("has no half reservation after a kill at any moment", async () => {
    const kept = await reserve("dev.kept", 0, 0);
    let killed = 0;
    for (let i = 0; i < 12; i++) {
      const args = [SCRIPT, "reserve", data, "dev.mir", "0", "0"];
      const child = spawn("bash", args, { detached: true, stdio: "ignore" });
      const ended = new Promise<NodeJS.Signals | null>((resolve) =>
        child.on("close", (_code, signal) => resolve(signal)),
      );
      const timer = setTimeout(() => {
        try {
          process.kill(-(child.pid ?? 0), "SIGKILL");
        } catch {
          // The script has ended before the kill.
        }
      }, i * 8);
      if ((await ended) === "SIGKILL") killed++;
      clearTimeout(timer);
      for (const name of readdirSync(join(data, "ports")).filter((n) => !n.startsWith("."))) {
        const text = readFileSync(join(data, "ports", name), "utf8");
        assert.match(text, /^\d{5} \d{5}\n$/);
      }
    }
    assert.ok(killed > 0, "no run was killed");
    const mine = await reserve("dev.mir", 0, 0);
    assert.deepEqual(await reserve("dev.kept", 0, 0), kept);
    assert.equal(new Set([...kept, ...mine]).size, 4);
    for (const name of ["dev.mir", "dev.kept"]) await ports("release", name);
    assert.ok(!existsSync(join(data, "ports")), "a half-written file does not stay");
  });
});

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { assertRunning, domainState, serialTail, virsh } from "../../../core/virsh.io";
import { FakePrograms, ROOT } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const fails = (message: string): void => programs.set("virsh", `echo '${message}' >&2; exit 1`);

describe("virsh", () => {
  it("connects to the system's libvirt and passes each argument as one word", async () => {
    programs.set("virsh", `printf '%s|' "$@"`);
    assert.equal(
      await virsh(undefined, "dumpxml", "a b"),
      "--quiet|--connect|qemu:///system|dumpxml|a b|",
    );
  });

  const table: [string, string][] = [
    ["error: Domain not found", "virsh domstate: error: Domain not found"],
    [
      "error: authentication unavailable",
      "virsh domstate: error: authentication unavailable; fix: run 'adduser $USER libvirt', then log in again",
    ],
    [
      "error: Failed to connect socket: No such file or directory",
      "virsh domstate: error: Failed to connect socket: No such file or directory; fix: run 'scripts/host/libvirtd.sh start'",
    ],
  ];
  for (const [said, message] of table) {
    it(`passes on '${said}', with the fix where there is one`, async () => {
      fails(said);
      await assert.rejects(virsh(undefined, "domstate", "mir"), { message });
    });
  }
});

describe("domainState", () => {
  const table: [string, string, string][] = [
    ["running (booted)", "running", "booted"],
    ["shut off (shutdown)", "shut off", "shutdown"],
    ["paused (I/O error)", "paused", "I/O error"],
    ["crashed", "crashed", ""],
  ];
  for (const [said, state, reason] of table) {
    it(`reads '${said}'`, async () => {
      programs.set("virsh", `printf '%s\\n\\n' '${said}'`);
      assert.deepEqual(await domainState(undefined, "mir"), { state, reason });
    });
  }
});

describe("assertRunning", () => {
  it("accepts a running domain", async () => {
    programs.set("virsh", "echo 'running (booted)'");
    await assertRunning(undefined, "mir", "");
  });

  it("reports a paused domain with the fix and the console's last lines", async () => {
    const log = join(programs.folder, "serial.log");
    writeFileSync(log, "\u001b[31mKernel panic\u001b[0m\r\n");
    programs.set("virsh", "echo 'paused (user)'");
    await assert.rejects(assertRunning(undefined, "mir", log), {
      message:
        "domain mir: found paused (user); need running; fix: run 'virsh resume mir'\nKernel panic\n",
    });
  });
});

describe("serialTail", () => {
  it("is empty for a domain without a log", async () =>
    assert.equal(await serialTail(undefined, ""), ""));

  it("returns the last lines without control characters", async () => {
    const log = join(programs.folder, "long.log");
    writeFileSync(log, Array.from({ length: 100 }, (_, i) => `line ${i}\u0007\n`).join(""));
    const tail = (await serialTail(undefined, log, 3)).trim().split("\n");
    assert.deepEqual(tail, ["line 97", "line 98", "line 99"]);
  });

  it("returns why a log cannot be read, instead of failing", async () => {
    assert.match(
      await serialTail(undefined, "/nowhere/serial.log"),
      /^\(serial log not readable: /,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deadlySign, linesSince, plainConsole, tellingLines } from "../../../core/serialLog";

describe("deadlySign", () => {
  const table: [string, string, string | undefined][] = [
    ["nothing", "", undefined],
    ["an ordinary boot", "[  OK  ] Reached target multi-user.target.\nmir login: ", undefined],
    [
      "a panic",
      "[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n[    1.3] ---[ end Kernel panic",
      "a kernel panic: Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
    ],
    [
      "emergency mode",
      'You are in emergency mode. After logging in, type "journalctl -xb" to view\nPress Enter',
      "emergency mode: You are in emergency mode",
    ],
    [
      "an initramfs without its root",
      "ALERT!  UUID=0 does not exist.  Dropping to a shell!\n(initramfs) ",
      "no root disk: ALERT!  UUID=0 does not exist.  Dropping to a shell!",
    ],
    [
      "GRUB without its disk",
      "error: no such device: 5edd7f43.\ngrub rescue> ",
      "a boot loader without its disk: error: no such device: 5edd7f43.",
    ],
    ["a mere mention of a panic", "systemd: kernel.panic = 10", undefined],
  ];
  for (const [what, log, sign] of table) {
    it(`reads ${what}`, () => assert.equal(deadlySign(log), sign));
  }

  it("returns the last of several signs, shortened", () => {
    const sign = deadlySign(
      `You are in emergency mode\nKernel panic - not syncing: ${"x".repeat(999)}`,
    );
    assert.equal(sign?.length, "a kernel panic: ".length + 200);
  });
});

describe("linesSince", () => {
  it("returns what was added, also to a log that was cut at its start", () => {
    assert.equal(linesSince("one\ntwo\nthree\n", "one\ntwo\n"), "\nthree\n");
    assert.equal(linesSince("two\nthree\n", "one\n"), "two\nthree\n");
    assert.equal(linesSince("one\n", ""), "one\n");
  });
});

describe("tellingLines", () => {
  const panic = "Kernel panic - not syncing: VFS";
  const later = Array.from({ length: 9 }, (_, n) => `line ${n}`);
  it("returns the last lines, or those from the fatal message on", () => {
    assert.equal(tellingLines(later.join("\n"), 2), "line 7\nline 8");
    assert.equal(tellingLines([panic, ...later].join("\n"), 3), `${panic}\nline 0\nline 1`);
    assert.equal(tellingLines([...later, panic, "end"].join("\n"), 3), `line 8\n${panic}\nend`);
    assert.equal(tellingLines("", 3), "");
  });
});

describe("plainConsole", () => {
  it("keeps lines and removes colours, cursor moves and bells", () => {
    assert.equal(
      plainConsole("\u001b[0;32m OK \u001b[0m\r\nnext\u0007\u009b1m\tend"),
      " OK \nnext1m\tend",
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deadlySign, plainConsole } from "../../../core/serialLog";

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

describe("plainConsole", () => {
  it("keeps lines and removes colours, cursor moves and bells", () => {
    assert.equal(
      plainConsole("\u001b[0;32m OK \u001b[0m\r\nnext\u0007\u009b1m\tend"),
      " OK \nnext1m\tend",
    );
  });
});

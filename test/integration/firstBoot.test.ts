/**
 * A guest whose first boot is cut short again and again, as by power cuts: the last boot completes it.
 * Emulated boots take minutes, so it runs only with MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { TestLab, virsh } from "./support";

const STACK = "itest-first";
const GUEST = "g1";
const DOMAIN = `mirlab-${STACK}-${GUEST}`;
const long = process.env.MIRLAB_TEST_LONG === "1";

/** Seconds after cloud-init's start at which each boot ends: within its modules for the account and the keys. */
const CUTS_S = [2, 5, 8];

describe(
  "a first boot that is cut short",
  { skip: long ? false : "set MIRLAB_TEST_LONG=1: it boots a guest six times" },
  () => {
    const lab = new TestLab({ stack: STACK, guests: [{ name: GUEST }] });
    const serialLog = join(lab.dataDir, STACK, "log", `${GUEST}.serial.log`);
    const starts = (): number =>
      existsSync(serialLog)
        ? (readFileSync(serialLog, "latin1").match(/running 'init'/g) ?? []).length
        : 0;
    before(async () => {
      await lab.init();
    });
    after(async () => {
      await lab.dispose();
    });

    it("is done again by the next boot, and `up` converges", async () => {
      let ended = false;
      const up = lab.pulumi("up", "--yes", "--skip-preview").finally(() => (ended = true));
      for (const [i, seconds] of CUTS_S.entries()) {
        while (!ended && starts() <= i) await pause(200);
        if (ended) break;
        await pause(seconds * 1000);
        await virsh("reset", DOMAIN);
      }
      // A cut after the first login ends that `up`, rightly: its connection broke.
      const first = await up;
      const { code, text } =
        first.code === 0 ? first : await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(starts(), CUTS_S.length + 1, "boots of the guest");
      assert.equal(code, 0, first.text + text);
    });

    it("is done again where cloud-init's notes are there, and the account's files are not", async () => {
      const files =
        "/var/lib/cloud/instance/mirlab-first-boot-done /etc/sudoers.d/90-cloud-init-users";
      await lab.inGuest(GUEST, `sudo sh -c "rm -r ${files} /home/mir/.ssh && sync"`);
      await virsh("reset", DOMAIN);
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(code, 0, text);
      assert.equal((await lab.inGuest(GUEST, "sudo id -u")).trim(), "0");
    });

    it("is not repeated once it was done", async () => {
      const note = "sudo stat -c %y /var/lib/cloud/instance/sem/config_users_groups";
      const before = await lab.inGuest(GUEST, note);
      await virsh("reset", DOMAIN);
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(code, 0, text);
      assert.equal(await lab.inGuest(GUEST, note), before);
    });
  },
);

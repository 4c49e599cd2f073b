import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { signsOfLife } from "../../../../components/guest/signsOfLife.io";
import { Stuck } from "../../../../core/stuck";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const log = join(temporaryFolder(), "serial.log");
const PANIC = "Kernel panic - not syncing: test\n";
const GUEST = { domain: "mirlab-dev-mir", serialLog: log };
let now = 0;

const reads = (count: number): void =>
  programs.set(
    "virsh",
    `printf "Domain: 'mirlab-dev-mir'\\n  block.count=2\\n  block.0.rd.reqs=${count}\\n  block.0.rd.bytes=99\\n  block.1.rd.reqs=5\\n"`,
  );

beforeEach(() => {
  now = 0;
  reads(10);
  writeFileSync(log, "old line\n");
});

const rejected = (look: Promise<number>): Promise<Stuck> =>
  look.then(
    (moved) => Promise.reject(new Error(`moved ${moved}`)),
    (error: Stuck) => error,
  );

describe("signsOfLife", () => {
  it("counts reads from all disks and bytes on the console", async () => {
    const look = signsOfLife(GUEST);
    assert.equal(await look(""), 15 + 9);
    reads(12);
    appendFileSync(log, "x");
    assert.equal(await look(""), 17 + 10);
  });

  it("counts CPUs that run, for some minutes without another sign", async () => {
    const ran = (seconds: number): void =>
      programs.set("virsh", `printf "  cpu.time=${seconds}500000000\\n  block.0.rd.reqs=10\\n"`);
    ran(0);
    const look = signsOfLife({ domain: "mirlab-dev-mir", serialLog: "" }, () => now);
    const moved = [await look("")];
    for (const [at, seconds] of [
      [60, 30],
      [120, 60],
      [180, 60],
      [300, 150],
    ] as const) {
      now = at;
      ran(seconds);
      moved.push(await look(""));
    }
    // At 180 s they stood still; at 300 s they have run too long for nothing.
    assert.deepEqual(moved, [10, 11, 12, 12, 12]);
  });

  it("counts only disk reads without a console", async () => {
    assert.equal(await signsOfLife({ domain: "mirlab-dev-mir", serialLog: "" })(""), 15);
  });

  it("counts no progress when libvirt does not answer", async () => {
    programs.set("virsh", "exit 1");
    assert.equal(await signsOfLife(GUEST)(""), 0);
  });

  it("fails at once on a new panic", async () => {
    const look = signsOfLife(GUEST, () => now);
    await look("");
    appendFileSync(log, `\u001b[31m${PANIC}`);
    const stuck = await rejected(look(""));
    assert.ok(stuck instanceof Stuck);
    assert.deepEqual(
      [stuck.check, stuck.outcome.found],
      ["serial", "a kernel panic: Kernel panic - not syncing: test"],
    );
    assert.match(stuck.message, /last lines of .*serial\.log:\nold line\nKernel panic/);
  });

  it("fails on an old panic only after a time without progress", async () => {
    appendFileSync(log, PANIC);
    const look = signsOfLife(GUEST, () => now);
    for (now = 0; now < 60; now += 5) {
      reads(10 + now);
      await look("");
    }
    now += 15;
    assert.equal((await rejected(look(""))).check, "serial");
  });

  it("does not treat an old panic as new when the console grows", async () => {
    appendFileSync(log, PANIC);
    const look = signsOfLife(GUEST, () => now);
    await look("");
    appendFileSync(log, "Linux version 6.1\n");
    assert.ok((await look("")) > 0);
  });

  /** virsh of a guest whose agent answers; `addresses` and `cards` are lines of domifaddr and domiflist. */
  const agent = (
    count: number,
    addresses = " ens2 52:54:00:00:00:01 ipv4 10.0.2.15/24",
    cards = "",
  ): void =>
    programs.set(
      "virsh",
      `case "$*" in
  *guest-ping*) echo '{"return":{}}' ;;
  *domifaddr*) printf '%s\\n' " lo 00:00:00:00:00:00 ipv4 127.0.0.1/8" " - - ipv6 ::1/128" " ens2 52:54:00:00:00:01 ipv6 fe80::2/64"; echo "${addresses}" ;;
  *domiflist*) echo "${cards}" ;;
  *net-info*) echo "Bridge:         virbr7" ;;
  *) echo "  block.0.rd.reqs=${count}" ;;
esac`,
    );

  for (const [why, addresses, cards, words] of [
    [
      "it has no address",
      " - - ipv6 fe80::1/64",
      "",
      /: the guest has no address; .*fix: run 'virsh reboot mirlab-dev-mir'; with network.mode nat, see that the host's firewall lets/,
    ],
    [
      ...[
        "its card was taken out of its bridge",
        " - - ipv6 fe80::1/64",
        " lo network mirlab-dev virtio 52:54:00:00:00:01",
      ],
      /: the guest's network card lo is not in the bridge virbr7; .*fix: 'sudo ip link set lo master virbr7'/,
    ],
  ] as const) {
    it(`says why a guest that is up takes no login: ${why}`, async () => {
      agent(1, addresses, cards);
      now = 0;
      const look = signsOfLife(GUEST, () => now);
      await look("");
      now = 90;
      assert.match((await rejected(look(""))).message, words);
    });
  }

  for (const [whose, adopted, words] of [
    [
      "the lab's guest",
      false,
      /refuses the lab's key; .*fix: 'virsh reboot mirlab-dev-mir' if its first boot/,
    ],
    ["an adopted guest", true, /refuses the lab's key; .*fix: put the key back into the account's/],
  ] as const) {
    it(`says that the sshd of ${whose} refuses the key, and what to do`, async () => {
      agent(1);
      now = 0;
      const look = signsOfLife({ ...GUEST, adopted }, () => now);
      const answer = "mir@127.0.0.1: Permission denied (publickey).";
      await look(answer);
      now = 90;
      const stuck = await rejected(look(answer));
      assert.match(stuck.message, words);
      assert.equal(stuck.message.includes("virsh reboot"), !adopted);
    });
  }

  it("fails when the guest agent answers for a minute without a login, but not during a boot", async () => {
    const look = signsOfLife(GUEST, () => now);
    for (now = 0; now <= 120; now += 20) {
      agent(now);
      await look("");
    }
    now = 160;
    await look("");
    now = 180;
    const stuck = await rejected(look(""));
    assert.deepEqual([stuck.check, stuck.outcome.settles], ["ssh", false]);
    assert.match(
      stuck.message,
      /: found no login, but the guest agent answers: the guest is up, its sshd is not; need a login by SSH; fix: run 'systemctl start ssh' in the guest or, without access to it, 'virsh reboot mirlab-dev-mir'$/,
    );
  });
});

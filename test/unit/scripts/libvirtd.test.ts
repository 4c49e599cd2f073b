/** libvirtd.sh on a host with systemd, in a mount namespace with a fake systemd and libvirt. */
import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

const programs = new FakePrograms();
const folder = temporaryFolder();
/** libvirt answers while this file exists. */
const answering = join(folder, "answering");
/** Calls of systemctl, one a line. */
const calls = join(folder, "calls");
const sbin = join(folder, "sbin");
mkdirSync(sbin);
writeFileSync(join(sbin, "libvirtd"), "", { mode: 0o755 });
// Any user of the tests may read them there.
for (const name of ["lib.sh", "libvirtd.sh"])
  copyFileSync(join(ROOT, "scripts", "host", name), join(folder, name));
programs.set("virsh", `[[ -e ${answering} ]]`);
programs.set("journalctl", `echo "line of journalctl $*"`);

const systemctl = (outcome: string): void =>
  programs.set("systemctl", `echo "$*" >>${calls}; ${outcome}`);

/** Runs libvirtd.sh as on a host with systemd: with its folder in /run, and the test's /usr/sbin. */
async function libvirtdAs(user: number, ...args: string[]) {
  const inside = `
    mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
    mount --bind "$1" /usr/sbin && shift
    exec setpriv --reuid=${user} --regid=${user} --clear-groups bash "$@"`;
  const script = [join(folder, "libvirtd.sh"), ...args];
  const ended = await run(["unshare", "--mount", "bash", "-ec", inside, "test", sbin, ...script], {
    env: { PATH: `${programs.folder}:/usr/bin:/bin` },
  });
  return { code: ended.code, out: ended.stdout.toString(), err: ended.stderr };
}

const libvirtd = (...args: string[]) => libvirtdAs(0, ...args);

const starts = (): string[] =>
  existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];

beforeEach(() => {
  rmSync(answering, { force: true });
  rmSync(calls, { force: true });
  systemctl(`touch ${answering}`);
});

describe("libvirtd.sh on a host with systemd", { timeout: 120_000 }, () => {
  it("starts the unit, and waits until libvirt answers", async () => {
    systemctl(`(sleep 1; touch ${answering}) >/dev/null 2>&1 &`);
    assert.deepEqual(await libvirtd("start"), { code: 0, out: "", err: "libvirtd: started\n" });
    assert.deepEqual(starts(), ["start libvirtd.service"]);
  });

  it("does not touch an active unit", async () => {
    writeFileSync(answering, "");
    assert.deepEqual(await libvirtd("start"), { code: 0, out: "", err: "libvirtd: running\n" });
    assert.deepEqual(starts(), []);
  });

  it("fails with the journal's lines if the unit does not start", async () => {
    systemctl("exit 1");
    const { code, err } = await libvirtd("start");
    assert.equal(code, 1);
    assert.match(
      err,
      /^line of journalctl --no-pager -n 20 -u libvirtd\nlibvirtd: found that libvirtd\.service does not start/,
    );
  });

  it("never stops the unit, which belongs to the host", async () => {
    writeFileSync(answering, "");
    assert.equal(
      (await libvirtd("stop")).err,
      "libvirtd: left running: it belongs to the host's systemd\n",
    );
    assert.deepEqual(starts(), []);
  });

  it("reports the owner of the daemon, and fails if none answers", async () => {
    assert.deepEqual(await libvirtd("status"), { code: 1, out: "stopped\n", err: "" });
    writeFileSync(answering, "");
    assert.deepEqual(await libvirtd("status"), { code: 0, out: "running owner=host\n", err: "" });
  });

  it("refuses an unknown verb, and more than one", async () => {
    assert.equal((await libvirtd("restart")).code, 1);
    assert.equal((await libvirtd("start", "stop")).code, 1);
    assert.deepEqual(starts(), []);
  });
});

describe("libvirtd.sh on a host without systemd", { timeout: 120_000 }, () => {
  const daemons = join(folder, "daemons");
  mkdirSync(daemons);
  // A daemon that does not start twice, and takes its time.
  for (const name of ["virtlogd", "libvirtd"]) {
    writeFileSync(
      join(daemons, name),
      `#!/bin/bash
       [[ $1 == --daemon ]] || { sleep 60; exit; }
       sleep 0.5
       mkdir /run/${name}.there 2>/dev/null || exit 1
       "$0" stay </dev/null >/dev/null 2>&1 & echo $! >/run/${name}.pid
       sleep 0.5; touch ${answering}`,
      { mode: 0o755 },
    );
  }

  // libvirt asks it once for polkit, so it has to be there first.
  programs.set(
    "dbus-daemon",
    `[[ $1 != stay ]] || { sleep 60; exit; }
     [[ ! -e /run/libvirtd.there ]] || exit 1
     "$0" stay </dev/null >/dev/null 2>&1 & echo $!`,
  );
  programs.set("dbus-send", "[[ -e /run/dbus-daemon.pid ]]");

  it("is started once by two that start it together, after the message bus, and its note stays", async () => {
    const inside = `
      mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log && mount --bind "$1" /usr/sbin
      for i in 1 2; do bash "$2" start & pids+=($!); done
      for pid in "\${pids[@]}"; do wait "$pid"; echo "ended $?"; done
      ls /run/mirlab
      bash "$2" stop; ls /run/mirlab | wc -l`;
    const script = join(ROOT, "scripts", "host", "libvirtd.sh");
    const ended = await run(
      ["unshare", "--mount", "bash", "-uc", inside, "test", daemons, script],
      { env: { PATH: `${programs.folder}:/usr/bin:/bin` } },
    );
    assert.deepEqual(ended.stdout.toString().trim().split("\n"), [
      ...["ended 0", "ended 0"],
      ...["dbus-daemon.started", "libvirtd.started", "virtlogd.started", "0"],
    ]);
  });
});

describe("libvirtd.sh for a user who is not root", () => {
  const members = join(folder, "members");

  /** Root's shell of the fake sudo answers for root; libvirt takes the user after usermod, or never. */
  async function asUser(taken: "as a member" | "never") {
    chmodSync(folder, 0o777);
    chmodSync(programs.folder, 0o755);
    writeFileSync(answering, "");
    rmSync(members, { force: true });
    programs.set("sudo", 'shift; AS_ROOT=1 exec "$@"');
    programs.set("usermod", `echo "$*" >>${calls}; echo >${members}`);
    programs.set(
      "id",
      `[[ $1 != -un ]] && { [[ -e ${members} ]] && echo ann libvirt || echo ann; } || echo ann`,
    );
    programs.set(
      "virsh",
      `[[ -n \${AS_ROOT-} ]] || { [[ "${taken}" == "as a member" && -e ${members} ]]; } || { echo "error: no polkit" >&2; exit 1; }`,
    );
    return libvirtdAs(12345, "start");
  }

  it("makes the user a member of libvirt's group, which needs no new login", async () => {
    const { code, err } = await asUser("as a member");
    assert.equal(code, 0, err);
    assert.equal(
      err,
      "libvirtd: adding ann to the group libvirt, which may manage domains\nlibvirtd: running\n",
    );
    assert.deepEqual(starts(), ["--append --groups libvirt ann"]);
  });

  it("says what to do where the session has to be a new one", async () => {
    const { code, err } = await asUser("never");
    assert.equal(code, 1);
    assert.match(
      err,
      /found that libvirt refuses ann, a member of the group libvirt \(error: no polkit\); .*fix: log in again/,
    );
  });
});

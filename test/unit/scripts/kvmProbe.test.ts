/** kvm-probe.sh with a fake QEMU and apt: its verdicts, and its cache. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

const programs = new FakePrograms();
const folder = temporaryFolder();
const cache = join(folder, "cache");
/** A line for each start of QEMU. */
const boots = join(folder, "boots");
const MARK = "mirlab-user-space-reached";
const HAS_KVM = existsSync("/dev/kvm");

programs.set("sudo", '[[ $1 != -n ]] || shift; exec "$@"');
programs.set("apt-cache", "echo '  Depends: linux-image-6.1.0-9-cloud-amd64'");
programs.set("apt-get", 'touch "${@: -1}.deb"');
programs.set("dpkg-deb", 'mkdir -p "$3/boot"; echo kernel >"$3/boot/vmlinuz-6.1.0-9-cloud-amd64"');

/** A QEMU with a version, which prints this console. */
const qemu = (console: string): void =>
  programs.set(
    "qemu-system-x86_64",
    `[[ $1 != --version ]] || { echo "QEMU emulator version 7.2.22"; exit; }
     echo "$*" >>${boots}; ${console}`,
  );

const probe = (...args: string[]) =>
  run(["bash", join(ROOT, "scripts", "host", "kvm-probe.sh"), ...args]);

interface Answer {
  readonly acceleration: string;
  readonly reason: string;
}
async function answer(...args: string[]): Promise<Answer> {
  const ended = await probe(cache, ...args);
  assert.equal(ended.code, 0, ended.stderr);
  return JSON.parse(ended.stdout.toString()) as Answer;
}

const started = (): number =>
  existsSync(boots) ? readFileSync(boots, "utf8").trim().split("\n").length : 0;

beforeEach(() => {
  rmSync(cache, { recursive: true, force: true });
  rmSync(boots, { force: true });
  mkdirSync(cache);
  qemu(`echo ${MARK}`);
});

describe("the probe of KVM", { timeout: 120_000 }, () => {
  it("accepts an accelerator that boots a guest to user space, and boots it once", async () => {
    const works = { acceleration: "tcg", reason: "a guest booted to user space" };
    assert.deepEqual(await answer("tcg"), works);
    assert.deepEqual(await answer("tcg"), works);
    assert.equal(started(), 1);
  });

  it("fails, and caches no verdict, if the probe guest does not boot under TCG", async () => {
    qemu("echo 'no such machine' >&2");
    const ended = await probe(cache, "tcg");
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /no such machine\n.*found no user space in 120 s/);
    assert.deepEqual(readdirSync(join(cache, "kvm-probe")).sort(), ["initrd", "vmlinuz"]);
  });

  it("reports tcg if KVM does not boot a guest, with QEMU's error", async () => {
    qemu(`printf '\\n"quoted"\\x1b[31m ioctl(KVM_CREATE_VM) failed\\n' >&2; exit 1`);
    const { acceleration, reason } = await answer();
    assert.equal(acceleration, "tcg");
    assert.equal(
      reason,
      HAS_KVM
        ? "/dev/kvm is there, but a guest did not reach user space in 20 s: quoted[31m ioctl(KVM_CREATE_VM) failed"
        : "no /dev/kvm; load kvm_intel or kvm_amd, or enable virtualization in the firmware",
    );
  });

  it("reports kvm if a guest reaches user space with it", { skip: !HAS_KVM }, async () => {
    assert.deepEqual(await answer(), {
      acceleration: "kvm",
      reason: "a guest booted to user space",
    });
    assert.match(readFileSync(boots, "utf8"), /-accel kvm -cpu host /);
  });

  it("probes again for another QEMU", async () => {
    await answer("tcg");
    programs.set(
      "qemu-system-x86_64",
      `[[ $1 != --version ]] || { echo "QEMU emulator version 10.0"; exit; }; echo 1 >>${boots}; echo ${MARK}`,
    );
    await answer("tcg");
    assert.equal(started(), 2);
  });

  it("probes again where it is asked to", async () => {
    await answer("tcg");
    await answer("tcg", "renew");
    await answer("tcg");
    assert.equal(started(), 2);
  });

  it("ignores a cached verdict that a kill has truncated", async () => {
    await answer("tcg");
    const kept = readdirSync(join(cache, "kvm-probe")).find((name) => name.endsWith(".json")) ?? "";
    writeFileSync(join(cache, "kvm-probe", kept), "");
    assert.equal((await answer("tcg")).acceleration, "tcg");
    assert.equal(started(), 2);
  });

  it(
    "waits longer for a guest whose kernel speaks: the host is slow, KVM works",
    { skip: !HAS_KVM },
    async () => {
      qemu(`echo 'Linux version 6.1'; (($(wc -l <${boots}) == 1)) || echo ${MARK}`);
      assert.equal((await answer()).acceleration, "kvm");
      assert.equal(started(), 2);
      qemu("true");
      rmSync(cache, { recursive: true });
      assert.equal((await answer()).acceleration, "tcg");
      assert.equal(started(), 3);
    },
  );

  it("boots one guest for all that ask at once", async () => {
    qemu(`sleep 1; echo ${MARK}`);
    const answers = await Promise.all(Array.from({ length: 6 }, () => answer("tcg")));
    for (const { acceleration } of answers) assert.equal(acceleration, "tcg");
    assert.equal(started(), 1);
  });

  it("has an initial RAM disk that cpio reads, with a program that needs no package", async () => {
    await answer("tcg");
    const initrd = gunzipSync(readFileSync(join(cache, "kvm-probe", "initrd")));
    const names = [...initrd.toString("latin1").matchAll(/070701[0-9A-F]{104}([^\0]+)\0/g)];
    assert.deepEqual(
      names.map(([, name]) => name),
      ["dev", "dev/console", "init", "TRAILER!!!"],
    );
    // ELF, 64 bits, x86-64; it holds the line that it prints.
    const elf = initrd.subarray(initrd.indexOf("\x7fELF", 0, "latin1"));
    assert.deepEqual([elf[4], elf.readUInt16LE(18)], [2, 62]);
    assert.ok(elf.includes(`${MARK}\n`));
    assert.equal(initrd.length % 4, 0);
  });

  it("leaves the mode of a cache that is there as it is", async () => {
    chmodSync(cache, 0o1777);
    await answer("tcg");
    assert.equal(statSync(cache).mode & 0o7777, 0o1777);
  });

  it("runs nothing from a TMPDIR that is mounted noexec", async () => {
    const inside = 'mount -t tmpfs -o noexec tmpfs "$1" && export TMPDIR=$1; shift; exec bash "$@"';
    const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const temp = join(folder, "noexec");
    mkdirSync(temp, { recursive: true });
    const script = join(ROOT, "scripts", "host", "kvm-probe.sh");
    const words = ["unshare", ...user, "--mount", "bash", "-ec", inside, "test", temp];
    const ended = await run([...words, script, cache, "tcg"]);
    assert.equal(ended.code, 0, ended.stderr);
  });

  for (const broken of ["gzip", "install", "apt-get", "dpkg-deb"]) {
    it(`fails, and keeps neither an answer nor a guest, where ${broken} fails: it is the probe's fault`, async () => {
      const kept = programs.text(broken);
      programs.set(broken, "echo 'No space left on device' >&2; exit 1");
      const ended = await probe(cache, "tcg");
      programs.restore(broken, kept);
      assert.equal(ended.code, 1, ended.stdout.toString());
      assert.match(ended.stderr, /No space left on device/);
      assert.ok(
        !existsSync(join(cache, "kvm-probe")) || readdirSync(join(cache, "kvm-probe")).length === 0,
      );
      // The next one is whole.
      assert.equal((await answer("tcg")).acceleration, "tcg");
    });
  }

  const refused: [what: string, args: string[], message: RegExp][] = [
    ["no cache", [], /found arguments ''/],
    ["another accelerator", [cache, "xen"], /found 'xen'/],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what}`, async () => {
      const ended = await probe(...args);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, message);
    });
  }
});

/**
 * Other kernels in a guest: one panics, one hangs, the `up` of one is killed midway; then the way
 * back.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { run } from "../../core/exec.io";
import { ROOT, TestLab } from "./support";

interface KernelLab {
  readonly lab: TestLab;
  readonly guest: string;
}

/** `guests[].kernel` for a file of kernel-deb.sh. */
function fromFile(deb: string): Record<string, unknown> {
  const sha256 = createHash("sha256").update(readFileSync(deb)).digest("hex");
  return { source: "package", when: "always", package: { deb, sha256 } };
}

/** Starts `up`, kills it after the output matches `when`, and removes its lock. */
async function killedUp(lab: TestLab, when: RegExp): Promise<void> {
  let killed = false;
  const [child, ended] = lab.start(["up", "--yes", "--skip-preview"], (text) => {
    if (killed || !when.test(text)) return;
    killed = true;
    // By then its script is running in the guest.
    setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), 15_000);
  });
  await ended;
  assert.ok(killed, `up has printed ${String(when)}`);
  await lab.pulumi("cancel", "--yes");
}

/** The tests, in the order in which they change the guest; the last one restores it. */
export function kernels({ lab, guest }: KernelLab): void {
  const folder = join(lab.folder, "kernels");
  let [small, panic, hang, before] = ["", "", "", ""];
  const inGuest = (command: string): Promise<string> => lab.inGuest(guest, command);
  const up = () => lab.pulumi("up", "--yes", "--skip-preview");
  const saved = () => inGuest("grep -a ^saved_entry= /boot/grub/grubenv || echo none");
  const ours = () => inGuest("ls /var/lib/mirlab/kernels; cat /etc/default/grub.d/zz-mirlab* || :");

  /** The output of an `up` that tries the kernel of this file, and fails. */
  const failedUp = async (file: string): Promise<string> => {
    lab.configure([{ name: guest, kernel: fromFile(join(folder, file)) }]);
    const failed = await up();
    assert.notEqual(failed.code, 0);
    return failed.text;
  };
  /** Asserts that the guest runs its earlier kernel, and has no file of this release. */
  const isBack = async (release: string): Promise<void> => {
    assert.equal(await inGuest("uname -r"), before);
    assert.equal(await inGuest(`ls /boot | grep -c ${release} || true`), "0");
  };

  it("removes a kernel that panics: the guest runs its old one, and up says why", async () => {
    const argv = [join(ROOT, "test", "integration", "kernel-deb.sh"), folder];
    const built = await run(argv, { timeoutMs: 300_000 });
    assert.equal(built.code, 0, built.stderr);
    [small = "", panic = "", hang = ""] = built.stdout.toString().trim().split(" ");
    before = await inGuest("uname -r");
    const text = await failedUp("panic.deb");
    assert.match(
      text,
      new RegExp(
        `kernel ${panic} failed its trial boot: found .*kernel panic.*; the guest runs ${before} again, ${panic} was removed; fix: use another kernel`,
      ),
    );
    assert.match(text, /last lines of \S+:[^]*Kernel panic - not syncing: VFS/);
    await isBack(panic);
    assert.match(await saved(), new RegExp(`gnulinux-${before}-advanced-`));
  });

  it("resets a guest when its new kernel hangs: it runs its old one, and up says why", async () => {
    assert.match(
      await failedUp("hang.deb"),
      new RegExp(
        `kernel ${hang} failed its trial boot: found not in time: [^]*no progress for \\d+ s; need a boot that passes the boot and graphics checks; the guest runs ${before} again, ${hang} was removed; fix: use another kernel`,
      ),
    );
    await isBack(hang);
  });

  it("continues after a kill in mid-install: one boot, Mir's picture, then the default kernel", async () => {
    lab.configure([{ name: guest, kernel: fromFile(join(folder, "small.deb")) }]);
    await killedUp(lab, /up installs the kernel in/);
    const done = await up();
    assert.equal(done.code, 0, done.text);
    assert.equal(await inGuest("uname -r"), small);
    assert.match(await saved(), new RegExp(`gnulinux-${small}-advanced-`));
    const { readiness, versions } = (await lab.outputs())[guest] as unknown as {
      readiness: string;
      versions: { linux: string };
    };
    assert.deepEqual([readiness, versions.linux], ["ready", small]);
  });

  it("changes nothing in a second up", async () => {
    const quiet = await lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });

  it("returns to the distribution's kernel when no other is declared", async () => {
    lab.configure([{ name: guest }]);
    const preview = await lab.pulumi("preview");
    const plan = `kernel.source is 'distro': up returns to ${before}, and removes ${small}`;
    assert.match(preview.text, new RegExp(plan));
    const back = await up();
    assert.equal(back.code, 0, back.text);
    assert.equal(await inGuest("uname -r"), before);
    assert.equal(await ours(), "");
    assert.equal(await saved(), "none");
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });
}

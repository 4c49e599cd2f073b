/** A kernel compiled in the guest, in a lab of its own: `npm run test:build`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestLab } from "./support";

const GUEST = "g1";
const skip =
  process.env.MIRLAB_TEST_LONG === "1" ? false : "takes most of an hour: npm run test:build";
const WARM = process.env.MIRLAB_TEST_WARM ?? "auto";
const BASE = process.env.MIRLAB_TEST_BASE ?? "tiny";

const BUILT = {
  name: GUEST,
  image: { source: "debian", suite: "bookworm" },
  gates: { kernel: ">= 6.12" },
  kernel: {
    source: "build",
    build: { base: BASE, source: { package: "linux-source-6.12", suite: "bookworm-security" } },
  },
};

describe("a kernel compiled in the guest", { skip, timeout: 14_400_000 }, () => {
  const host = { buildCache: { warm: WARM } };
  const lab = new TestLab({
    stack: "itest-build",
    guests: [{ name: GUEST, image: { source: "debian", suite: "bookworm" } }],
    host,
  });
  const inGuest = (command: string): Promise<string> => lab.inGuest(GUEST, command);
  const up = () => lab.pulumi("up", "--yes", "--skip-preview");
  let distro = "";
  let release = "";

  before(() => lab.init());
  after(() => lab.dispose());

  it("boots with the distribution's kernel", async () => {
    const { code, text } = await up();
    assert.equal(code, 0, text);
    distro = await inGuest("uname -r");
  });

  it("is announced by a preview, with the gate that requires it", async () => {
    lab.configure([BUILT]);
    const { text } = await lab.pulumi("preview");
    assert.match(
      text,
      /g1: kernel 6\.1\.\S+ does not meet >= 6\.12: up builds linux 6\.12 \(linux-source-6\.12 of bookworm-security\), about \d+ min, boots it once, and keeps it if it passes/,
    );
  });

  it("continues after a kill in mid-build: one boot, Mir's picture, then the default kernel", async () => {
    let killed = false;
    const [child, ended] = lab.start(["up", "--yes", "--skip-preview"], (text) => {
      if (killed || !/kernel: build: compile: [1-9]\d* of \d+ steps/.test(text)) return;
      killed = true;
      process.kill(-(child.pid ?? 0), "SIGKILL");
    });
    const { text: first } = await ended;
    assert.ok(killed, first);
    const unit = "systemctl is-active mirlab-build-kernel";
    assert.equal(await inGuest(unit), "active");
    await lab.pulumi("cancel", "--yes");
    const done = await up();
    assert.equal(done.code, 0, done.text);
    assert.match(done.text, /kernel: build: continuing with the running build/);
    release = await inGuest("uname -r");
    assert.match(release, /^6\.12\.\d+-mirlab-[0-9a-f]{8}$/);
    assert.match(
      await inGuest("grep -a ^saved_entry= /boot/grub/grubenv"),
      new RegExp(`gnulinux-${release}-advanced-`),
    );
    const { readiness, versions } = (await lab.outputs())[GUEST] as unknown as {
      readiness: string;
      versions: { linux: string };
    };
    assert.deepEqual([readiness, versions.linux], ["ready", release]);
    assert.equal(
      await inGuest(`dpkg-query -W -f '\${Status}' linux-image-${release}`),
      "install ok installed",
    );
    assert.equal(await inGuest("ls /var/lib/mirlab/build/kernel"), "log");
  });

  it("changes nothing in a second up", async () => {
    const quiet = await lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });

  it("returns to the distribution's kernel with a lower gate, and comes again from the host without a compile", async () => {
    lab.configure([{ ...BUILT, gates: { kernel: ">= 6.1" } }]);
    const back = await up();
    assert.equal(back.code, 0, back.text);
    assert.equal(await inGuest("uname -r"), distro);
    lab.configure([BUILT]);
    const again = await up();
    assert.equal(again.code, 0, again.text);
    assert.match(again.text, /kernel: build: the host has the package from an earlier build/);
    assert.doesNotMatch(again.text, /steps;/);
    assert.equal(await inGuest("uname -r"), release);
  });
});

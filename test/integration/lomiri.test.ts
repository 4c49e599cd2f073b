/**
 * Lomiri with the real engine, libvirt and a guest. Takes a quarter of an hour without KVM, so it
 * runs only with MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { scriptText } from "../../core/link.io";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { TestLab } from "./support";

const STACK = "itest-lomiri";
const GUEST = "g1";
const long = process.env.MIRLAB_TEST_LONG === "1";

describe(
  "a guest with Lomiri",
  { timeout: 7_200_000, skip: long ? false : "a desktop starts: set MIRLAB_TEST_LONG=1" },
  () => {
    // Set for both kinds: so the image, and the guest, stay the same when the kind changes.
    const image = { source: "debian", suite: "bookworm", packages: ["lomiri-desktop-session"] };
    const guest = (kind: string): object => ({ name: GUEST, image, session: { kind } });
    let lab!: TestLab;

    async function outputs(): Promise<Record<string, string>> {
      return (await lab.outputs())[GUEST];
    }
    /** Output of a command in the guest, whether or not it succeeds. */
    async function inGuest(command: string): Promise<string> {
      const { sshCommand = "" } = await outputs();
      const ended = await run(["bash", "-c", `${sshCommand} "$1"`, "bash", command]);
      return ended.stdout.toString().trim();
    }
    async function up(kind: string): Promise<void> {
      lab.configure([{ ...guest(kind) }]);
      const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(code, 0, text);
      assert.equal((await outputs()).readiness, "ready");
    }

    before(async () => {
      lab = new TestLab({ stack: STACK, guests: [{ ...guest("lomiri") }] });
      await lab.init();
    });
    after(async () => {
      await (lab as TestLab | undefined)?.dispose();
    });

    it("comes up by a plain `up`, ready, with a picture", async () => {
      await up("lomiri");
      const facts = pictureFacts(readPicture(readFileSync((await outputs()).screenshot ?? "")));
      assert.equal(pictureFault(facts), undefined);
    });

    it("runs it unprivileged, in a session of logind on the seat", async () => {
      assert.equal(await inGuest("ps -o user= -p $(pgrep -n -x lomiri)"), "mir");
      const session = "$(loginctl show-seat seat0 -p ActiveSession --value)";
      assert.equal(
        await inGuest(`loginctl show-session ${session} -p Name -p Type -p TTY --value | xargs`),
        "mir tty1 wayland",
      );
    });

    it("restarts nothing when nothing has changed", async () => {
      const pid = await inGuest("pgrep -n -x lomiri");
      const preview = await lab.pulumi("preview", "--expect-no-changes");
      assert.equal(preview.code, 0, preview.text);
      // Run the script itself, as a changed resource would.
      const script = scriptText("guest/session.sh");
      const { sshCommand = "" } = await outputs();
      const again = await run(["bash", "-c", `${sshCommand} sudo bash -s -- install --lomiri`], {
        stdin: script,
        timeoutMs: 300_000,
      });
      assert.match(again.stdout.toString(), /session=unchanged$/m, again.stderr);
      assert.equal(await inGuest("pgrep -n -x lomiri"), pid);
    });

    it("is replaced by the demo server, and leaves nothing behind", async () => {
      await up("demo");
      assert.equal(await inGuest("pgrep -x lomiri"), "");
      assert.equal(await inGuest("ls -d /etc/systemd/user/lomiri.service.d"), "");
      assert.equal(await inGuest("ls /usr/local/lib/mir-session"), "banner\nrun\ntests");
      assert.match(await inGuest("pgrep -a mir_demo_server"), /gbm-kms/);
    });

    it("replaces the demo server, and leaves nothing of it", async () => {
      await up("lomiri");
      assert.equal(await inGuest("pgrep mir_demo_server; pgrep -x foot"), "");
      assert.equal(await inGuest("ls /etc/systemd/system/mir-session-client.service"), "");
      assert.equal(await inGuest("systemctl is-failed mir-session-client.service"), "inactive");
      assert.equal(
        await inGuest("ls /usr/local/lib/mir-session"),
        "lomiri-login\nlomiri-shell\ntests",
      );
    });
  },
);

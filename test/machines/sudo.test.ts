/**
 * Rights of users who are not root, with a real sudo at a real terminal. Users, passwords and sudo's rules are
 * files in a mount namespace of the test: nothing of the machine changes.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { answering, Typed } from "../terminal";
import { temporaryFolder } from "../unit/support";
import { makeUser, REAL_SUDO } from "./namespace";

const folder = temporaryFolder();
const PASSWORD = "open sesame";
const UID = 23456;

/** What the verbs do: ask sudo for a ticket, then run a script of the host that says what it may. */
const PROGRAM = `(async () => {
  const { holdTicket } = require("./cli/sudo");
  const { runOnHost } = require("./core/link.io");
  const rights = async () => {
    const { stdout, stderr } = await runOnHost(undefined, "facts.sh", ["quick", "/tmp/x", "/tmp/x"]);
    return /^rights\\t(.*)$/m.exec(stdout.toString())?.[1] ?? stderr;
  };
  console.log("before: " + (await rights()));
  await holdTicket().catch((error) => console.log("refused: " + error.message));
  console.log("after: " + (await rights()));
  process.exit(0);
})()`;

/** A command that reads its rights by our own code. */
const OURS = ["node", "--require", "./core/register.js", "-e", PROGRAM];

/** Runs a command as user `op`, at a terminal or without one, under these rules of sudo. */
function asUser(rules: string, terminal = true, command: readonly string[] = OURS): Promise<Typed> {
  const files = ["passwd", "shadow", "group", "gshadow", "sudoers"];
  const inside = `${makeUser({ name: "op", uid: UID, files })}
    hash=$(openssl passwd -6 '${PASSWORD}')
    echo "op:$hash:19000:0:99999:7:::" >>/etc/shadow
    ${REAL_SUDO}
    # A machine may lack pseudo-terminals.
    mount -t devpts -o ptmxmode=666 devpts /dev/pts
    mount --bind /dev/pts/ptmx /dev/ptmx
    export HOME=/tmp
    terminal=$3
    shift 3
    run=(setpriv --reuid=${UID} --regid=${UID} --clear-groups "$@")
    if [[ $terminal == yes ]]; then
      printf -v line '%q ' "\${run[@]}"
      # script takes $SHELL, else /bin/sh, which may not read bash's quotes.
      SHELL=/bin/bash exec script --quiet --flush --return --command "$line" /dev/null
    fi
    exec setsid --wait "\${run[@]}" </dev/null`;
  const words = [folder, rules, terminal ? "yes" : "no", ...command];
  const args = ["--mount", "bash", "-c", inside, "test", ...words];
  const child = spawn("unshare", args, { stdio: ["pipe", "pipe", "pipe"] });
  return answering(child, "password for op:", PASSWORD);
}

describe("sudo, as people have it", { timeout: 120_000 }, () => {
  let cannot = "";

  before(async () => {
    chmodSync(folder, 0o755);
    const made = await run(["scripts/host/packages.sh", "install", "sudo"], { timeoutMs: 110_000 });
    assert.equal(made.code, 0, made.stderr);
    const tried = await asUser("op ALL=(ALL:ALL) NOPASSWD: ALL", true, ["sudo", "id", "-u"]);
    if (tried.text.trim() !== "0")
      cannot = `sudo gives no rights on this machine: ${tried.text.trim()}`;
  });

  /** A test that needs a sudo that works; where the machine forbids it (no_new_privs), the reason is printed. */
  const itAsks = (what: string, test: () => Promise<void>): unknown =>
    it(what, (context) => (cannot === "" ? test() : context.skip(cannot)));

  for (const [what, rules] of [
    ["with a password", "op ALL=(ALL:ALL) ALL"],
    [
      "with a password and a pty of its own, as Debian 13 has it",
      "Defaults use_pty\nop ALL=(ALL:ALL) ALL",
    ],
  ] as const) {
    itAsks(`${what}, is asked once; scripts in groups of their own have its ticket`, async () => {
      const { text, asked } = await asUser(rules);
      assert.match(text, /^before: none$/m, text);
      assert.match(text, /^after: sudo$/m, text);
      assert.equal(asked, 1);
    });
  }

  itAsks("without a password, is asked nothing", async () => {
    const { text, asked } = await asUser("op ALL=(ALL:ALL) NOPASSWD: ALL");
    assert.match(text, /^before: sudo\nafter: sudo$/m, text);
    assert.equal(asked, 0);
  });

  itAsks("proves a share whose group the user has joined in this run alone", async () => {
    const [share, nonce] = [join(folder, "share"), "ab".repeat(32)];
    mkdirSync(share);
    chownSync(share, UID + 1, UID + 2);
    chmodSync(share, 0o2770);
    const verbs = `set -ex
      for verb in put unchanged; do bash scripts/host/share-nonce.sh $verb ${share} ${nonce}; done
      sudo -n sh -c "printf '${nonce} answered' >${share}/.mirlab-${nonce}.answer"
      bash scripts/host/share-nonce.sh answered ${share} ${nonce}
      ! bash scripts/host/share-nonce.sh unchanged ${share} ${nonce}
      bash scripts/host/share-nonce.sh remove ${share} ${nonce}
      echo proved`;
    const { text } = await asUser("op ALL=(ALL:ALL) NOPASSWD: ALL", true, ["bash", "-c", verbs]);
    assert.match(text, /^proved\r?$/m, text);
    assert.deepEqual(readdirSync(share), []);
  });

  itAsks("with tickets that do not last, is refused with the fix", async () => {
    const { text } = await asUser("Defaults timestamp_timeout=0\nop ALL=(ALL:ALL) ALL");
    assert.match(
      text,
      /^refused: sudo: found a ticket that does not last \(timestamp_timeout=0\); need .*; fix: /m,
    );
  });

  itAsks("that does not know the user, is refused with the fix", async () => {
    const { text } = await asUser("root ALL=(ALL:ALL) ALL");
    assert.match(
      text,
      /^refused: sudo: found no right to run commands as root; need .*; fix: /m,
      text,
    );
  });

  it("without a terminal, is not asked: what needs root says so", async () => {
    const { text, asked } = await asUser("op ALL=(ALL:ALL) ALL", false);
    assert.match(text, /^before: none\nafter: none$/m, text);
    assert.equal(asked, 0);
  });
});

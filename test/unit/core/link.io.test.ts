import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, mock } from "node:test";
import {
  connectionFault,
  runAt,
  runInGuest,
  runOnHost,
  scriptText,
  scriptWords,
  targetArgv,
} from "../../../core/link.io";
import { FakePrograms, ROOT } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const TARGET = { config: "/a b/ssh_config", alias: "mirlab-dev-mir" };

describe("targetArgv", () => {
  it("returns the words unchanged for this machine", () => {
    assert.deepEqual(targetArgv(undefined, ["a b", "$c"]), ["a b", "$c"]);
  });

  it("is a non-interactive ssh for another machine, with the command as one quoted argument", () => {
    assert.deepEqual(targetArgv(TARGET, ["bash", "-s", "--", "a b", "$(c)"]), [
      "ssh",
      "-F",
      "/a b/ssh_config",
      "-o",
      "BatchMode=yes",
      "-o",
      "ConnectTimeout=30",
      "-o",
      "ServerAliveInterval=10",
      "-o",
      "ServerAliveCountMax=3",
      "--",
      "mirlab-dev-mir",
      "bash -s -- 'a b' '$(c)'",
    ]);
  });
});

describe("a connection that is not made", () => {
  const log = mock.method(console, "log", () => undefined);
  /** ssh that fails so many times, with this message, and then runs the command. */
  function fails(times: number, message: string): void {
    const count = join(programs.folder, "count");
    rmSync(count, { force: true });
    programs.set(
      "ssh",
      `n=$(cat '${count}' 2>/dev/null || echo 0); echo $((n + 1)) >'${count}'
if ((n < ${times})); then echo '${message}' >&2; exit 255; fi; exec bash -c "\${*: -1}"`,
    );
  }
  const BANNER = "Connection timed out during banner exchange";
  const say = (pauses = [0, 0, 0]) => runAt(TARGET, ["echo", "x"], {}, pauses);

  it("is made again, and said, four times at the most", async () => {
    fails(3, BANNER);
    assert.equal((await say()).code, 0);
    assert.equal(
      log.mock.calls.at(-1)?.arguments[0],
      `mirlab-dev-mir: found no connection (${BANNER}); try 4 of 4`,
    );
    fails(4, BANNER);
    assert.equal((await say()).code, 255);
  });

  it("is not made again where somebody answered, or where the command may have run", async () => {
    for (const message of [
      "Host key verification failed.",
      "ssh: connect to host 127.0.0.1 port 1: Connection refused",
      "Timeout, server 127.0.0.1 not responding.",
      "client_loop: send disconnect: Broken pipe",
    ]) {
      fails(1, message);
      assert.equal((await say()).code, 255, message);
    }
  });

  it("is named where ssh ends without a word", async () => {
    programs.set("ssh", "exit 255");
    assert.equal(
      (await say()).stderr,
      "the connection to mirlab-dev-mir broke: it no longer answers",
    );
  });
});

describe("scriptWords", () => {
  it("reads the script from standard input", () => {
    assert.deepEqual(scriptWords(["a"]), ["bash", "-s", "--", "a"]);
    assert.deepEqual(scriptWords(["-x"], true), ["sudo", "-n", "bash", "-s", "--", "-x"]);
  });
});

describe("scriptText", () => {
  it("is the file below scripts/", () =>
    assert.match(scriptText("guest/observe.py"), /^#!\/usr\/bin\/env python3/));
  it("has the libraries of the script before it", () => {
    assert.match(scriptText("host/facts.sh"), /as_root\(\) \{[^]*\n#!\/usr\/bin\/env bash\n/);
    assert.match(scriptText("guest/session.sh"), /put_tests\(\) \{[^]*\n#!\/usr\/bin\/env bash\n/);
    assert.match(scriptText("guest/session.sh"), /^install_lomiri\(\)[^]*^install_session\(\)/m);
    assert.match(
      scriptText("guest/facts.py"),
      /^def start_egl\(\)[^]*\n#!\/usr\/bin\/env python3\n/m,
    );
    assert.match(scriptText("host/build.sh"), /^confine\(\)[^]*^use_root\(\)[^]*^prepare\(\)/m);
  });
  it("fails for a file that does not exist", () =>
    assert.throws(() => scriptText("guest/no.sh"), /ENOENT/));
});

describe("running a script", () => {
  // Replaces sshd: runs the command line by a shell, as sshd does.
  const sshd = 'echo "$@" >&2; exec bash -c "${*: -1}"';

  it("passes a guest's script its arguments unchanged", async () => {
    programs.set("ssh", sshd);
    programs.set("sudo", 'shift; exec "$@"');
    const result = await runInGuest(TARGET, "share-nonce.sh", ["it's $(reboot)", "b"]);
    assert.match(result.stderr, /share: found 2 arguments; need check MOUNT NONCE rw\|ro\n$/);
    assert.equal(result.code, 1);
  });

  it("runs a host's script on this machine and on another in the same way", async () => {
    programs.set("ssh", sshd);
    for (const host of [undefined, TARGET]) {
      const result = await runOnHost(host, "share-nonce.sh", ["put", "/nowhere"]);
      assert.match(result.stderr, /share: found 2 arguments; need VERB DIR NONCE\n$/);
    }
  });
});

describe("the locale of a script", () => {
  const HOSTILE = { LANGUAGE: "de_DE:de", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" };
  // The words that glibc looks up: C alone ignores LANGUAGE, C.UTF-8 does not.
  const seen = 'printf "%s|%s\\n" "$LC_ALL" "$LANGUAGE"';

  it("is English on this machine, behind ssh, and behind a sudo that sets it again", async () => {
    Object.assign(process.env, HOSTILE);
    programs.set("sudo", 'export LANGUAGE=de; shift; exec "$@"');
    programs.set("bash", seen);
    programs.set("python3", seen);
    const shell = `export LANGUAGE=fr LC_ALL=fr_FR.UTF-8; exec /bin/bash -c "\${*: -1}"`;
    programs.set("ssh", shell);
    const answers = await Promise.all([
      runOnHost(undefined, "facts.sh", []),
      runOnHost(TARGET, "facts.sh", [], { stdin: "data" }),
      runInGuest(TARGET, "heal.sh", []),
      runInGuest(TARGET, "facts.py", [], { stdin: "data" }),
    ]);
    for (const { stdout } of answers) assert.equal(stdout.toString(), "C.UTF-8|\n");
    for (const name of ["bash", "python3"]) rmSync(join(programs.folder, name));
    for (const name of Object.keys(HOSTILE)) Reflect.deleteProperty(process.env, name);
  });
});

describe("connectionFault", () => {
  const result = (code: number, stderr: string, timedOut = false) => ({
    code,
    stderr,
    timedOut,
    stdout: Buffer.alloc(0),
  });
  const table: [string, ReturnType<typeof result>, string | undefined][] = [
    ["success", result(0, ""), undefined],
    ["a failed script", result(1, "Host key verification failed"), undefined],
    ["a wrong key", result(255, "Host key verification failed.\r\n"), "refused-key"],
    [
      "a changed key",
      result(255, "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @"),
      "refused-key",
    ],
    ["no answer", result(255, "Connection refused"), "unreachable"],
    ["a timeout", result(-1, "", true), "unreachable"],
    ["no ssh", result(-1, "ssh: spawn ssh ENOENT"), undefined],
  ];
  for (const [what, of, fault] of table) {
    it(`classifies ${what} as ${fault ?? "none"}`, () => assert.equal(connectionFault(of), fault));
  }
});

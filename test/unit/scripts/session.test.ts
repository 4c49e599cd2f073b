/** The server's command line, as session.sh would write it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { scriptText } from "../../../core/link.io";
import { FakePrograms, ROOT } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const SERVER = "/etc/mir-session/server";

const described = (...args: string[]) =>
  run(["bash", "-s", "--", "describe", ...args], { stdin: scriptText("guest/session.sh") });

async function isServer(args: string[], words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await described(...args);
  assert.equal(code, 0, stderr);
  const content = words.map((word) => `${word}\0`).join("");
  const sha256 = createHash("sha256").update(content).digest("hex");
  assert.ok(stdout.toString().includes(`644 ${sha256} ${SERVER}\n`), stdout.toString());
}

/** The script's verdict on a server, of which systemctl says these lines. */
async function verdict(...lines: string[]): Promise<{ code: number; stderr: string }> {
  const script = join(ROOT, "scripts/guest/session.sh");
  const text = `SERVER=mir-session.service; fail_with_journal() { printf '%s' "$1" >&2; exit 1; }
eval "$(sed -n '/^require_running() {/,/^}/p' '${script}')"; require_running 1`;
  programs.set("systemctl", `printf '%s\\n' ${lines.join(" ")}`);
  return run(["bash", "-euc", text]);
}

describe("the session's server", () => {
  it("is judged whatever the order in which systemd prints its properties", async () => {
    for (const order of [(lines: string[]) => lines, (lines: string[]) => lines.toReversed()]) {
      assert.equal((await verdict(...order(["NRestarts=1", "ActiveState=active"]))).code, 0);
      const { code, stderr } = await verdict(...order(["NRestarts=3", "ActiveState=failed"]));
      assert.equal(code, 1);
      assert.match(stderr, /mir-session\.service failed after 2 restarts/);
    }
  });

  it("is Mir's demo server on gbm-kms, or with the options given", async () => {
    const console = ["--console-provider=vt", "--vt=1"];
    await isServer([], ["mir_demo_server", "--platform-display-libs=mir:gbm-kms", ...console]);
    await isServer(
      ["--option", "--cursor=software", "--option", "--vt=2"],
      ["mir_demo_server", "--cursor=software", "--vt=2"],
    );
    await isServer(["--no-client", "--", "miral-shell", "--vt=1"], ["miral-shell", "--vt=1"]);
  });

  it("is another server with the same options, as a login where logind is the console", async () => {
    await isServer(
      ["--console", "logind", "--server", "miriway", "--option", "--console-provider=logind"],
      ["miriway", "--console-provider=logind"],
    );
    const units = async (...args: string[]) =>
      /\S+ (?=\/etc\/systemd\/system\/mir-session\.service\n)/.exec(
        (await described(...args)).stdout.toString(),
      )?.[0];
    assert.notEqual(await units("--console", "logind"), await units());
    assert.equal(await units("--console", "vt"), await units());
    for (const [args, fault] of [
      [["--console", "tty"], /found --console 'tty', required vt or logind/],
      [["--server", "-x"], /found --server '-x', required the name/],
      [["--server", "miriway", "--", "miral-shell"], /both --server and a command/],
    ] as const) {
      const { code, stderr } = await described(...args);
      assert.equal(code, 1);
      assert.match(stderr, fault);
    }
  });

  it("lays its outputs out as declared, and connects them before the server starts", async () => {
    const words = ["1024x768@1+0+0", "800x600@1.5+1024+100"];
    const { stdout } = await described(...words.flatMap((word) => ["--output", word]));
    const yaml = `layouts:
  default:
    cards:
    - card-id: 0
      Virtual-1:
        state: enabled
        mode: 1024x768
        position: [0, 0]
        scale: 1
      Virtual-2:
        state: enabled
        mode: 800x600
        position: [1024, 100]
        scale: 1.5
`;
    const sha256 = createHash("sha256").update(yaml).digest("hex");
    assert.ok(stdout.toString().includes(`644 ${sha256} /etc/mir-session/display.yaml\n`));
    assert.ok(!(await described()).stdout.toString().includes("display.yaml"));
    const refused = await described("--output", "1024x768");
    assert.match(refused.stderr, /found --output '1024x768', required WIDTHxHEIGHT@SCALE\+X\+Y/);
  });

  it("keeps its default client with options, and has none of its own with a command", async () => {
    const clients = async (...args: string[]): Promise<number> =>
      (await described(...args)).stdout.toString().split("/etc/mir-session/client\n").length - 1;
    assert.equal(await clients("--option", "--cursor=software"), 2);
    assert.equal(await clients("--", "miral-shell"), 0);
  });

  it("has options or a command, and an option is one", async () => {
    const both = await described("--option", "--vt=1", "--", "miral-shell");
    assert.equal(both.code, 1);
    assert.match(both.stderr, /both --option and a command/);
    const none = await described("--option", "miral-shell");
    assert.match(none.stderr, /--option 'miral-shell', required an option of mir_demo_server/);
  });
});

describe("the files that a session's script writes", () => {
  it("are all looked at by each preview", async () => {
    const looks = scriptText("guest/observe.py").replace(/\nmain\(\)\s*$/, "\n");
    for (const args of [["--output", "1024x768@1+0+0"], ["--console", "logind"], ["--lomiri"]]) {
      const { stdout } = await described(...args);
      const files = [...stdout.toString().matchAll(/^\S+ \S+ (\/.*)$/gm)].map(([, file]) => file);
      assert.ok(files.length > 3);
      const missed = await run(["python3", "-I", "-S", "-"], {
        stdin: `${looks}
print(json.dumps([f for f in ${JSON.stringify(files)} if not any(fnmatch.fnmatchcase(f, p) for p in SESSION_FILES)]))`,
      });
      assert.equal(missed.stdout.toString().trim(), "[]", missed.stderr);
    }
  });
});

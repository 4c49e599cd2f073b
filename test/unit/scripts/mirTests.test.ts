/** Mir's own tests in a guest, as the program that mir-tests.sh installs runs them. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

const programs = new FakePrograms();
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** The installed program, with its folders here. */
const [, text = ""] =
  /<<'FILE'\n(.*?)\nFILE\n/s.exec(readFileSync(join(ROOT, "scripts/guest/mir-tests.sh"), "utf8")) ??
  [];
writeFileSync(
  at("tests"),
  text
    .replaceAll("/var/lib/mir-session/tests", at("kept"))
    .replace("/etc/mir-session/server", at("server"))
    .replaceAll("/usr/bin/", at("bin/"))
    .replaceAll("/usr/lib/*/mir/server-platform/", at("modules/")),
);
chmodSync(at("tests"), 0o755);
programs.set("dpkg-query", "echo mir 2.20");
programs.set("readlink", "echo qxl");
programs.set("mir_platform_graphics_test_harness", 'echo "$1" >>' + at("tried"));
programs.set("mir-smoke-test-runner", "exit 1");
for (const sub of ["bin", "modules"]) mkdirSync(at(sub));
writeFileSync(
  at("bin/mir-smoke-test-runner"),
  `echo "$MIR_SERVER_PLATFORM_DISPLAY_LIBS" >>${at("tried")}\n`,
);

/** What the tests were run on, after a server with these words was installed. */
async function triedOn(...server: string[]): Promise<string[]> {
  rmSync(at("tried"), { force: true });
  writeFileSync(at("server"), server.map((word) => `${word}\0`).join(""));
  const { code, stderr } = await run(["bash", at("tests"), "run"], { timeoutMs: 20_000 });
  assert.equal(code, 0, stderr);
  const { stdout } = await run(["bash", at("tests"), "identity"]);
  assert.equal(readFileSync(at("kept/identity"), "utf8"), stdout.toString());
  try {
    return readFileSync(at("tried"), "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

describe("Mir's own tests", () => {
  const [gbm, atomic] = ["gbm", "atomic"].map((name) => [
    at(`modules/graphics-${name}-kms.so.*`),
    `mir:${name}-kms`,
  ]);

  it("are of the platform that the session's server has, and again of another one", async () => {
    assert.deepEqual(await triedOn("mir_demo_server", "--vt=1"), gbm);
    assert.deepEqual(await triedOn("miriway", "--platform-display-libs=mir:atomic-kms"), atomic);
    assert.deepEqual(await triedOn("miriway", "--platform-display-libs=mir:atomic-kms"), []);
    assert.deepEqual(await triedOn("miriway", "--platform-display-libs=mir:gbm-kms"), gbm);
  });

  it("take no other word for a platform: neither a command's nor one that has no screen", async () => {
    await triedOn("mir_demo_server", "--platform-display-libs=mir:atomic-kms");
    assert.deepEqual(await triedOn("shell", "--platform-display-libs=mir:gbm-kms/../x"), gbm);
    await triedOn("mir_demo_server", "--platform-display-libs=mir:atomic-kms");
    assert.deepEqual(await triedOn("mir_demo_server", "--platform-display-libs=mir:virtual"), gbm);
  });

  it("are of each shell of Mir's, which alone gets the screen, where the guest has what that takes", async () => {
    const result = () => readFileSync(at("kept/result"), "utf8").split("\n").at(-2) ?? "";
    writeFileSync(at("bin/miral-shell"), `#!/bin/sh\necho "$*" >>${at("shells")}\n`, {
      mode: 0o755,
    });
    // The providers that Mir 2.28's --help names.
    writeFileSync(
      at("bin/mir_demo_server"),
      `#!/bin/sh\ncase $* in --console-provider=logind | --console-provider=vt | --console-provider=none | --console-provider=auto) ;; *) exit 1 ;; esac\n`,
      { mode: 0o755 },
    );
    programs.set("mir-compositor-smoke-test", "exit 1");
    writeFileSync(
      at("bin/mir-compositor-smoke-test"),
      `for shell in "\${0%/*}"/miral*; do $shell; done
       [ -z "$MIR_SERVER_PLATFORM_DISPLAY_LIBS" ] || exit 3
       "\${0%/*}/mir_demo_server" || exit 4
       echo "I: The following compositors executed successfully: $shell"; exit $(cat ${at("code")})\n`,
    );
    writeFileSync(at("code"), "0");
    await triedOn("mir_demo_server");
    assert.match(result(), /^smoke 0 PASS/);

    programs.set("inotifywait", ":");
    writeFileSync(at("modules/graphics-wayland.so.23"), "");
    await triedOn("mir_demo_server", "--platform-display-libs=mir:atomic-kms");
    assert.equal(result(), "compositor 0 PASS");
    assert.equal(
      readFileSync(at("shells"), "utf8"),
      "--platform-display-libs=mir:atomic-kms --console-provider=vt --vt=1\n",
    );
    writeFileSync(at("code"), "255");
    await triedOn("mir_demo_server");
    assert.match(result(), /^compositor 255 .*executed successfully/);
  });

  it("of the shells leave none behind, which would hold the screen and this program", async () => {
    writeFileSync(at("bin/miral-shell"), "#!/bin/sh\ntrap '' TERM; echo $$; sleep 300\n", {
      mode: 0o755,
    });
    writeFileSync(
      at("bin/mir-compositor-smoke-test"),
      `"\${0%/*}"/miral-shell & until [ -s ${at("kept/compositor.log")} ]; do sleep 0.1; done
       echo "I: The following compositors executed successfully: it"\n`,
    );
    await triedOn("mir_demo_server", "--platform-display-libs=mir:atomic-kms");
    const [, pid = ""] = /^(\d+)$/m.exec(readFileSync(at("kept/compositor.log"), "utf8")) ?? [];
    assert.ok(Number(pid) > 1);
    // Of a process that nobody has reaped yet, the command line is empty.
    const line = `/proc/${pid}/cmdline`;
    assert.equal(existsSync(line) ? readFileSync(line, "utf8") : "", "");
    assert.match(readFileSync(at("kept/result"), "utf8"), /^compositor 0 PASS$/m);
  });

  it("of the shells fail where there was none to try", async () => {
    rmSync(at("bin/miral-shell"));
    writeFileSync(
      at("bin/mir-compositor-smoke-test"),
      "echo 'I: compositor testing complete with returncode 0'\n",
    );
    await triedOn("mir_demo_server");
    assert.match(readFileSync(at("kept/result"), "utf8"), /^compositor 1 .*complete/m);
  });
});

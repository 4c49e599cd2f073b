/** The scripts' tables of suites, and the archives that a suite comes from. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SuiteName, SUITES } from "../../../config/suites";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const LOAD = "ME=test; cd scripts/host; . ./lib.sh; . ./apt-way.sh; . ./image-suites.sh";

async function printed(text: string): Promise<string[]> {
  const ended = await run(["bash", "-euc", `${LOAD}\n${text}`]);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString().trim().split("\n");
}

/** The host's apt has these index files: `URI SUITE CODENAME COMPONENT`. */
const hostHas = (origin: string, ...targets: string[]): void =>
  programs.set("apt-get", `[[ $* == *"Origin: ${origin}"* ]] || exit 0\n${list(targets)}`);
const list = (lines: readonly string[]): string => `cat <<'E'\n${lines.join("\n")}\nE`;

const sources = async (suite: SuiteName): Promise<string[]> =>
  (await printed(`archive_sources ${suite} "$(host_mirror ${suite})"`)).map((line) =>
    line.replace(/^deb \[signed-by=\S*\/(\w+)-archive-keyring\.gpg\]/, "$1"),
  );

describe("the scripts' suites", () => {
  it("are those of the configuration", async () => {
    const names = Object.keys(SUITES).sort();
    for (const table of ["DISTRIBUTIONS", "SUITE_PACKAGES"])
      assert.deepEqual((await printed(`printf '%s\\n' "\${!${table}[@]}"`)).sort(), names);
    for (const name of Object.keys(SUITES) as SuiteName[])
      assert.deepEqual(await printed(`distribution_of ${name}`), [SUITES[name].distribution]);
  });

  it("come from their own distribution's archive, where the host's apt names none", async () => {
    programs.set("apt-get", "exit 0");
    assert.deepEqual(await sources("trixie"), [
      "debian http://deb.debian.org/debian trixie main",
      "debian http://deb.debian.org/debian trixie-updates main",
      "debian http://deb.debian.org/debian-security trixie-security main",
    ]);
    assert.deepEqual(await sources("sid"), ["debian http://deb.debian.org/debian sid main"]);
    assert.deepEqual(await sources("noble"), [
      "ubuntu http://archive.ubuntu.com/ubuntu noble main universe",
      "ubuntu http://archive.ubuntu.com/ubuntu noble-updates main universe",
      "ubuntu http://security.ubuntu.com/ubuntu noble-security main universe",
    ]);
  });

  it("come from the host's mirror, which Ubuntu lists by suite and Debian by code name", async () => {
    hostHas("Debian", "http://m.example/debian/ stable trixie main");
    assert.equal((await sources("trixie"))[0], "debian http://m.example/debian trixie main");
    const at = "http://m.example/ubuntu/";
    hostHas("Ubuntu", `${at} noble noble main`, `${at} noble-security noble main`);
    const all = (await sources("noble")).map((line) => line.split(" ").slice(1, 3).join(" "));
    assert.deepEqual(all, [
      "http://m.example/ubuntu noble",
      "http://m.example/ubuntu noble-updates",
      "http://m.example/ubuntu noble-security",
    ]);
  });

  it("of Ubuntu do not come from the lab's mirror of Debian", async () => {
    programs.set("apt-get", "exit 0");
    const own = "MIRLAB_APT='mirror=http://m.example/debian' host_mirror";
    assert.deepEqual(await printed(`${own} trixie; ${own} noble`), [
      "http://m.example/debian",
      "http://archive.ubuntu.com/ubuntu",
    ]);
  });
});

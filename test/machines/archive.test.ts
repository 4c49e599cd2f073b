/**
 * The package table, held against Debian's archive of today: apt, with an empty machine's package database, resolves
 * each release's list without recommendations, and SPICE comes with it.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { HOST_PACKAGES, hostPackages } from "../../components/host/packages";
import { run } from "../../core/exec.io";
import { temporaryFolder } from "../unit/support";

const SUITES = ["bookworm", "trixie", "forky", "sid"];
/** What QEMU's SPICE and QXL are linked with, whichever package has them. */
const SPICE_LIBRARY = "libspice-server1";

/** apt on a machine of this suite that has no package yet. Settings and proxies are the host's. */
async function emptyMachine(suite: string): Promise<(...words: string[]) => Promise<string>> {
  const folder = temporaryFolder();
  for (const name of ["lists/partial", "archives/partial"])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, "status"), "");
  const source = `printf 'deb [signed-by=%s] %s ${suite} main\\n' "$(keyring_of ${suite})" "$(host_mirror ${suite})"`;
  const list = await run([
    "bash",
    "-c",
    `ME=test; . scripts/host/lib.sh; . scripts/host/apt-way.sh; ${source}`,
  ]);
  assert.equal(list.code, 0, list.stderr);
  writeFileSync(join(folder, "sources.list"), list.stdout);
  const options = [
    `Dir::State::lists=${folder}/lists`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}`,
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    ...["Dir::Etc::sourceparts=-", "APT::Architecture=amd64", "APT::Architectures=amd64"],
    ...["APT::Get::List-Cleanup=0", "Acquire::Languages=none", "APT::Sandbox::User=root"],
  ].flatMap((option) => ["-o", option]);
  return async (...words) => {
    const ended = await run(["apt-get", "-q", ...options, ...words], { timeoutMs: 240_000 });
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout.toString();
  };
}

const installed = (simulation: string): Set<string> =>
  new Set([...simulation.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? ""));

describe("the packages of a lab host", { timeout: 600_000 }, () => {
  for (const suite of SUITES) {
    it(`are in ${suite}, and bring SPICE without recommendations`, async () => {
      const apt = await emptyMachine(suite);
      await apt("update");
      const simulate = async (names: readonly string[]): Promise<Set<string>> =>
        installed(await apt("-s", "--no-install-recommends", "install", ...names));
      const names = hostPackages(suite, true).map(({ name }) => name);
      const got = await simulate(names);
      assert.deepEqual(
        names.filter((name) => !got.has(name)),
        [],
      );
      assert.ok(got.has(SPICE_LIBRARY), "SPICE comes with the list");
      // The table names a part for this release if, and only if, the common list lacks it.
      const common = await simulate(HOST_PACKAGES.map(({ name }) => name));
      assert.equal(common.has(SPICE_LIBRARY), hostPackages(suite).length === HOST_PACKAGES.length);
    });
  }
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { scriptText } from "../../../core/link.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const root = temporaryFolder();
const at = (...parts: string[]): string => join(root, ...parts);

/** The script with its files moved below a folder of this test, runnable without root. */
const here = (text: string): string =>
  text
    .replaceAll(/\/(?:var\/(?:lib|log)|run\/lock|usr\/local\/lib)\//g, (folder) => root + folder)
    .replace("((EUID == 0))", "((EUID >= 0))");

const [OLD, NEW] = ["22.3.6-1+deb12u1", "25.0.7-2~bpo12+1"] as const;

/** Packages of the guest: `NAME SOURCE VERSION` lines. */
const BEFORE = `libegl-mesa0 mesa ${OLD}\nlibgbm1 mesa ${OLD}\nlibglapi-mesa mesa ${OLD}\nlibdrm2 libdrm 2.4.114-1\n`;
/** apt's plan for the suite: a new package, a removed one, one of another source. */
const PLAN = `Reading package lists...
Inst mesa-libgallium (${NEW} Debian Backports:stable-backports [amd64])
Remv libglapi-mesa [${OLD}]
Inst libgbm1 [${OLD}] (${NEW} Debian Backports:stable-backports [amd64]) []
Inst libegl-mesa0 [${OLD}] (${NEW} Debian Backports:stable-backports [amd64])
Inst libdrm2 [2.4.114-1] (2.4.124-1~bpo12+1 Debian Backports:stable-backports [amd64])
Conf libgbm1 (${NEW} Debian Backports:stable-backports [amd64])
`;
const AFTER = `libegl-mesa0 mesa ${NEW}\nlibgbm1 mesa ${NEW}\nmesa-libgallium mesa ${NEW}\nlibdrm2 libdrm 2.4.124-1~bpo12+1\n`;
const IDENTITY = "1".repeat(64);
const RECORD = [
  "libdrm2 2.4.114-1 2.4.124-1~bpo12+1",
  `libegl-mesa0 ${OLD} ${NEW}`,
  `libgbm1 ${OLD} ${NEW}`,
  `libglapi-mesa ${OLD} -`,
  `mesa-libgallium - ${NEW}`,
];

function set(installed: string): void {
  writeFileSync(at("installed"), installed);
}

beforeEach(() => {
  for (const folder of ["var/lib/mirlab/mesa", "var/log", "run/lock", "usr/local/lib"]) {
    mkdirSync(at(folder), { recursive: true });
  }
  for (const file of ["var/lib/mirlab/mesa/record", "calls", "fails"]) {
    writeFileSync(at(file), "");
  }
  set(BEFORE);
  programs.set(
    "apt-get",
    `cd "${root}"
case "$*" in
  *indextargets*) echo "http://mirror/debian/ bookworm" ;;
  *" update"*) echo update >>calls ;;
  *-s\\ *-t*) cat plan ;;
  *-s\\ *) cat back 2>/dev/null || true ;;
  *--print-uris*) echo "'http://mirror/x.deb' x.deb 1024 SHA256:0" ;;
  *clean*) ;;
  *)
    words=$*
    echo "\${words##*--no-install-recommends }" >>calls
    [[ ! -s fails || "$*" != *" -t "* ]] || exit 100
    if [[ "$*" == *" -t "* ]]; then cp after installed; else cp before installed; fi ;;
esac`,
  );
  programs.set(
    "apt-cache",
    `case "$*" in
  *show*) echo "Version: ${NEW}" ;;
  *policy*) cat "${root}/policy" ;;
esac`,
  );
  programs.set(
    "dpkg-query",
    `cd "${root}"
if (($# == 3)); then
  awk '{ print "installed", $2, $1 ":amd64" }' installed
else
  awk -v name="$4" '$1 == name { print "installed", $3; found = 1 } END { exit !found }' installed
fi`,
  );
  programs.set("dpkg", `[[ $1 != --print-architecture ]] || echo amd64`);
  programs.set("systemctl", `[[ "$*" != *is-* ]] || exit 1`);
  writeFileSync(at("plan"), PLAN);
  writeFileSync(at("before"), BEFORE);
  writeFileSync(at("after"), AFTER);
  const own = (name: string, version: string): string =>
    `${name}:\n  Installed: x\n  Candidate: y\n  Version table:\n *** x 100\n        100 /var/lib/dpkg/status\n     ${version} 500\n        500 http://mirror/debian bookworm/main amd64 Packages\n`;
  writeFileSync(
    at("policy"),
    ["libegl-mesa0", "libgbm1", "libglapi-mesa"].map((name) => own(name, OLD)).join("") +
      own("libdrm2", "2.4.114-1"),
  );
});

function mesa(...args: string[]): { code: number | null; out: string; said: string } {
  const argv = ["-c", here(scriptText("guest/mesa.sh")), "mesa.sh", ...args];
  const { status, stdout, stderr } = spawnSync("bash", argv, { input: "", encoding: "utf8" });
  return { code: status, out: stdout, said: stderr };
}
const install = (identity = IDENTITY) =>
  mesa("install", "suite", "bookworm-backports", "mesa", identity);

const lines = (file: string): string[] =>
  existsSync(at(file)) ? readFileSync(at(file), "utf8").split("\n").filter(Boolean) : [];
const record = () => lines("var/lib/mirlab/mesa/record");

/** Output of scripts/guest/mesa.py for this guest. */
function observed(): unknown {
  const status = lines("installed")
    .map((line) => line.split(" "))
    .map(
      ([name, , version]) =>
        `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`,
    );
  mkdirSync(at("var/lib/dpkg"), { recursive: true });
  writeFileSync(at("var/lib/dpkg/status"), status.join("\n"));
  writeFileSync(at("os-release"), "VERSION_CODENAME=bookworm\n");
  const input = here(scriptText("guest/mesa.py")).replace("/etc/os-release", at("os-release"));
  const { stdout, stderr } = spawnSync("python3", ["-I", "-S", "-"], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

describe("mesa.sh", () => {
  it("installs a suite's packages of Mesa, and records the versions before", () => {
    const { code, out, said } = install();
    assert.deepEqual([code, out], [0, `${NEW}\n`], said);
    assert.deepEqual(record(), [`${IDENTITY} tried ${NEW}`, ...RECORD]);
    assert.equal(
      lines("calls").at(-1),
      `-o Dir::Etc::SourceParts=${root}/var/lib/mirlab/mesa/.sources install --allow-downgrades -t bookworm-backports libegl-mesa0 libgbm1 libglapi-mesa`,
    );
    assert.match(
      readFileSync(at("var/lib/mirlab/mesa/.sources/mirlab.list"), "utf8"),
      /^deb (\[signed-by=\/usr\/share\/keyrings\/debian-archive-keyring\.gpg\] )?http:\/\/mirror\/debian\/ bookworm-backports main\n$/,
    );
    assert.deepEqual(observed(), {
      ...{ version: 1, suite: "bookworm", distro: OLD },
      ours: { identity: IDENTITY, kept: false, mesa: NEW, whole: true },
    });
  });

  it("keeps the tried Mesa, and reports one that is no longer whole", () => {
    install();
    assert.equal(mesa("keep").code, 0);
    assert.deepEqual(record(), [`${IDENTITY} kept ${NEW}`, ...RECORD]);
    set(AFTER.replace(`libgbm1 mesa ${NEW}`, `libgbm1 mesa ${OLD}`));
    const { ours } = observed() as { ours: object };
    assert.deepEqual(ours, { identity: IDENTITY, kept: true, mesa: NEW, whole: false });
  });

  it("knows the versions before after a kill in mid-install, and that Mesa is not whole", () => {
    install();
    // The record is written before dpkg changes anything.
    set(BEFORE);
    const { distro, ours } = observed() as { distro: string; ours: { whole: boolean } };
    assert.deepEqual([distro, ours.whole], [OLD, false]);
    set(AFTER.replace(`libgbm1 mesa ${NEW}`, `libgbm1 mesa ${OLD}`));
    writeFileSync(at("plan"), `Inst libgbm1 [${OLD}] (${NEW} Debian [amd64])\n`);
    assert.equal(install().code, 0);
    assert.deepEqual(record(), [`${IDENTITY} tried ${NEW}`, ...RECORD]);
  });

  it("refuses a Mesa for which apt would remove another package", () => {
    writeFileSync(at("plan"), `${PLAN}Remv mir-demos [2.12.1-1]\n`);
    const { code, said } = install();
    assert.equal(code, 1);
    assert.match(
      said,
      /^mesa: found that apt would remove mir-demos; need a Mesa that leaves all other packages/m,
    );
    assert.deepEqual(record(), []);
  });

  it("undoes everything if the packages cannot be installed", () => {
    writeFileSync(at("fails"), "yes");
    const { code, said } = install();
    assert.equal(code, 1);
    assert.match(
      said,
      /^mesa: found that the packages cannot be installed, see above, so the distribution's Mesa is installed again; need all packages of this Mesa; log: \S+ in the guest\n$/m,
    );
    assert.deepEqual(record(), []);
    assert.deepEqual(lines("installed"), lines("before"));
  });

  it("restores the versions before, removes new packages and reinstalls removed ones", () => {
    install();
    mesa("keep");
    const { code, said } = mesa("restore");
    assert.equal(code, 0, said);
    assert.equal(
      lines("calls").at(-1),
      `install --purge --allow-downgrades --allow-change-held-packages libdrm2=2.4.114-1 libegl-mesa0=${OLD} libgbm1=${OLD} libglapi-mesa=${OLD} mesa-libgallium-`,
    );
    assert.deepEqual(record(), []);
    assert.deepEqual(observed(), { version: 1, suite: "bookworm", distro: OLD, ours: null });
    assert.equal(mesa("restore").code, 0, "a second time");
  });

  it("restores a newer version from the guest's own suites if the old one is gone", () => {
    install();
    const policy = readFileSync(at("policy"), "utf8");
    writeFileSync(at("policy"), policy.replaceAll(OLD, "22.3.6-1+deb12u2"));
    assert.equal(mesa("restore").code, 0);
    assert.match(lines("calls").at(-1) ?? "", /libgbm1=22\.3\.6-1\+deb12u2 /);
  });

  it("fails if the guest's own suites have no version", () => {
    install();
    writeFileSync(at("policy"), "");
    const { code, said } = mesa("restore");
    assert.equal(code, 1);
    assert.match(
      said,
      /^mesa: found no version of libdrm2 in the guest's own suites; need 2\.4\.114-1, the version before; fix: let the guest reach its mirror/,
    );
    assert.notDeepEqual(record(), []);
  });

  it("keeps a package of the other Mesa if another one depends on it by now", () => {
    install();
    writeFileSync(at("back"), `Remv mesa-libgallium [${NEW}]\nRemv game [1.0]\n`);
    const { code, said } = mesa("restore");
    assert.equal(code, 0);
    assert.match(
      said,
      /^mesa: game depends on what came with the other Mesa: mesa-libgallium stays/,
    );
    assert.doesNotMatch(lines("calls").at(-1) ?? "", /libgallium/);
  });

  it("undoes an earlier Mesa first", () => {
    install("2".repeat(64));
    install();
    assert.deepEqual(record(), [`${IDENTITY} tried ${NEW}`, ...RECORD]);
    assert.equal(lines("calls").filter((line) => line.includes("--purge")).length, 1);
  });

  it("accepts only a package file with the declared digest", () => {
    const { code, said } = mesa("install", "deb", "0".repeat(64), IDENTITY);
    assert.equal(code, 1);
    assert.match(said, /^mesa: package: found another SHA-256 after the transfer; need 0{64}$/m);
    assert.deepEqual(record(), []);
  });
});

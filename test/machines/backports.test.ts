/**
 * `host.qemu: backports` against Debian's archive of today, in a tree of each release: packages.sh says what is
 * missing, and its remedy, pasted, is enough. It takes some minutes: MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { hostPackages } from "../../components/host/packages";
import { run } from "../../core/exec.io";
import { ROOT, temporaryFolder } from "../unit/support";

const QEMU = ["qemu-system-x86", "qemu-utils"];
const LIMIT = { timeoutMs: 900_000 };

describe(
  "QEMU of the backports, from Debian's archive",
  {
    skip: process.env.MIRLAB_TEST_LONG === undefined ? "takes minutes: MIRLAB_TEST_LONG=1" : false,
  },
  () => {
    before(async () => {
      const tools = ["mmdebstrap", "debian-archive-keyring"];
      const made = await run(["scripts/host/packages.sh", "install", ...tools], LIMIT);
      assert.equal(made.code, 0, made.stderr);
    });

    for (const suite of ["bookworm", "trixie"])
      it(`is installed on ${suite} once its archive is known, with SPICE and QXL`, async () => {
        const folder = temporaryFolder();
        const tree = join(folder, "tree");
        // The host's own way to the archive: mirror, proxy, certificates.
        const make = `ME=test; . scripts/host/lib.sh; . scripts/host/apt-way.sh
          { apt_way && apt_passwords; } >"$2/apt.conf"
          archive_sources ${suite} "$(host_mirror ${suite})" |
            TMPDIR=$2 mmdebstrap --quiet --mode=root --variant=apt --keyring="$(keyring_of ${suite})" \\
              --aptopt="$2/apt.conf" --customize-hook="cp '$2/apt.conf' \\"\\$1/etc/apt/apt.conf.d/90way\\"" ${suite} "$1" -`;
        const made = await run(["bash", "-c", make, "make", tree, folder], LIMIT);
        assert.equal(made.code, 0, made.stderr);
        try {
          cpSync(join(ROOT, "scripts", "host"), join(tree, "host"), { recursive: true });
          const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';
          const inside = (...words: string[]) =>
            run(
              ["unshare", "--mount", "--pid", "--fork", "bash", "-c", enter, tree, ...words],
              LIMIT,
            );
          const packages = (verb: string, ...names: readonly string[]) =>
            inside("bash", "/host/packages.sh", verb, "--qemu-from", "backports", ...names);

          const unknown = await packages("install", ...QEMU);
          assert.notEqual(unknown.code, 0, "the release's own archive has no backports");
          const remedy = /echo '(deb .*-backports main)' \| sudo tee (\S+\.list)/.exec(
            unknown.stderr,
          );
          assert.ok(remedy, unknown.stderr);
          const [, line = "", file = ""] = remedy;
          const pasted = await inside("bash", "-c", 'echo "$0" >"$1"', line, file);
          assert.equal(pasted.code, 0, pasted.stderr);

          const installed = await packages("install", ...QEMU);
          assert.equal(installed.code, 0, installed.stderr);
          const versions = await inside("dpkg-query", "-W", "-f", "${Version}\\n", ...QEMU);
          console.log(`${suite}: ${versions.stdout.toString().trim().replace("\n", ", ")}`);
          for (const version of versions.stdout.toString().trim().split("\n"))
            assert.match(version, /~bpo/);
          const devices = await inside("qemu-system-x86_64", "-device", "help");
          assert.match(devices.stdout.toString(), /^name "qxl-vga"/m);

          const rest = hostPackages(suite).map(({ name }) => name);
          const others = await packages("install", ...rest);
          assert.equal(others.code, 0, others.stderr);
          const missing = await packages("missing", ...rest);
          assert.equal(missing.stdout.toString(), "");
        } finally {
          rmSync(tree, { recursive: true, force: true });
        }
      });
  },
);

/**
 * A guest whose disk Debian's installer wrote, answered by the lab. The installer is a package of Debian's, made an ISO
 * image of here. It takes more than an hour under TCG, so it runs only with MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { CACHE_DIR, TestLab } from "./support";

const skip = process.env.MIRLAB_TEST_LONG === "1" ? false : "an installer runs: MIRLAB_TEST_LONG=1";
const GUEST = "g1";
const folder = mkdtempSync(join(tmpdir(), "mirlab-installer-"));
const iso = join(folder, "mini.iso");

/** Debian's release by number and code name, e.g. `13 trixie`. Its mirror has to have a Release.gpg of its Release. */
const [number = "", suite = ""] = (process.env.MIRLAB_TEST_INSTALLER ?? "12 bookworm").split(" ");

/** The index of the host's mirror has the package's digest; apt has no lists of another suite. */
const GET = `
ME=test; set -euo pipefail
source scripts/host/lib.sh; source scripts/host/apt-way.sh
cd "$1"; mirror=$(host_mirror "$3")
curl -sSf "$mirror/dists/$3/main/binary-amd64/Packages.xz" | xz -dc >index
row=$(awk -v RS= -v p="Package: debian-installer-$2-netboot-amd64\\n" 'index($0, p) == 1' index)
field() { sed -n "s/^$1: //p" <<<"$row"; }
curl -sSf -o installer.deb "$mirror/$(field Filename)"
sha256sum --check --quiet <<<"$(field SHA256)  installer.deb"
dpkg-deb --fsys-tarfile installer.deb | tar -x --strip-components=10 --wildcards '*/text/debian-installer/amd64/linux' '*/text/debian-installer/amd64/initrd.gz'
mkdir tree; mv linux initrd.gz tree
genisoimage -quiet -rock -output mini.iso tree`;

describe("a guest that Debian's installer wrote", { skip, timeout: 14_400_000 }, () => {
  let lab: TestLab | undefined;
  let digest = "";
  before(async () => {
    const got = await run(["bash", "-c", GET, "bash", folder, number, suite], {
      timeoutMs: 600_000,
    });
    assert.equal(got.code, 0, got.stderr);
    digest = `sha256:${createHash("sha256").update(readFileSync(iso)).digest("hex")}`;
    const image = { source: "iso", file: iso, digest };
    lab = new TestLab({ stack: "itest-installer", guests: [{ name: GUEST, image }] });
    await lab.init();
  });
  after(async () => {
    await lab?.dispose();
    rmSync(folder, { recursive: true, force: true });
    // Another run has another ISO image: nothing would use these again.
    const images = join(CACHE_DIR, "images");
    for (const name of readdirSync(images).filter((file) => file.endsWith(".manifest")))
      if (readFileSync(join(images, name), "utf8").includes(`installer: ${digest}`))
        for (const end of ["manifest", "qcow2"])
          rmSync(join(images, name.replace(/manifest$/, end)), { force: true });
    rmSync(join(images, `${digest.replace(":", "-")}.iso`), { force: true });
  });

  it("is ready, with a picture, and its preview is silent", async () => {
    assert.ok(lab);
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
    assert.match(up.text, /installer: installed in \d+ min, \d+ MiB/);
    const { readiness, versions } = (await lab.outputs())[GUEST] ?? {};
    console.log(
      `installer: ${JSON.stringify(versions)}, ${/installed in .*MiB/.exec(up.text)?.[0] ?? ""}`,
    );
    assert.equal(readiness, "ready");
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });
});

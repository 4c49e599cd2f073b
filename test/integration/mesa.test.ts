/** Another Mesa in a lab's guest, and the way back: `npm run test:build`. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { TestLab } from "./support";

const GUEST = "g1";
/** A suite whose backports have a newer Mesa. */
const GUEST_OF = { name: GUEST, image: { source: "debian", suite: "bookworm" } };
const SUITE = { source: "package", package: { suite: "bookworm-backports" } };
const GATES = { mesa: ">= 24.0" };
const skip =
  process.env.MIRLAB_TEST_LONG === "1" ? false : "takes most of an hour: npm run test:build";

/** Builds a package of a Mesa that cannot be loaded. */
async function brokenDeb(folder: string): Promise<{ deb: string; sha256: string }> {
  const tree = join(folder, "broken");
  const library = "opt/mirlab/broken/libEGL_mesa.so.0";
  const vendor = { file_format_version: "1.0.0", ICD: { library_path: `/${library}` } };
  const files = {
    "DEBIAN/control":
      "Package: mirlab-mesa\nVersion: 99.0.0\nArchitecture: amd64\nMaintainer: mirlab <mirlab@localhost>\nDescription: for tests\n",
    "usr/share/glvnd/egl_vendor.d/10_broken.json": JSON.stringify(vendor),
    [library]: "no library",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(tree, name, ".."), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
  const deb = join(folder, "broken.deb");
  const made = await run(["dpkg-deb", "--root-owner-group", "-b", tree, deb]);
  assert.equal(made.code, 0, made.stderr);
  return { deb, sha256: createHash("sha256").update(readFileSync(deb)).digest("hex") };
}

describe("another Mesa in a guest", { skip, timeout: 7_200_000 }, () => {
  const lab = new TestLab({ stack: "itest-mesa", guests: [GUEST_OF] });
  const up = () => lab.pulumi("up", "--yes", "--skip-preview");
  const versions = () =>
    lab.inGuest(GUEST, "dpkg-query -W -f '${Package} ${Version}\\n' | grep -v '^linux-'");
  const look = async () =>
    (await lab.outputs())[GUEST] as unknown as { readiness: string; versions: { mesa: string } };
  const unchanged = async (): Promise<void> => {
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  };
  let packages = "";

  before(() => lab.init());
  after(() => lab.dispose());

  it("boots with the distribution's Mesa", async () => {
    const { code, text } = await up();
    assert.equal(code, 0, text);
    packages = await versions();
  });

  it("restores the distribution's Mesa when the new one does not draw", async () => {
    const deb = await brokenDeb(lab.folder);
    lab.configure([{ ...GUEST_OF, mesa: { source: "package", when: "always", package: deb } }]);
    const failed = await up();
    assert.notEqual(failed.code, 0);
    assert.match(
      failed.text,
      /Mesa 99\.0\.0 failed its trial: found Mesa 22\.3\.6\S* drawing; need the installed 99\.0\.0; the guest has the distribution's Mesa again; fix: use another mesa/,
    );
    assert.equal(await versions(), packages);
  });

  it("installs a suite's Mesa if the gate is not met: Mir draws with it", async () => {
    lab.configure([{ ...GUEST_OF, gates: GATES, mesa: SUITE }]);
    const preview = await lab.pulumi("preview");
    assert.match(
      preview.text,
      /mesa 22\.3\.6-\S+ does not meet >= 24\.0: up installs Mesa of bookworm-backports/,
    );
    const done = await up();
    assert.equal(done.code, 0, done.text);
    const { readiness, versions: found } = await look();
    assert.equal(readiness, "ready");
    assert.match(found.mesa, /^2[5-9]\./);
    const maps = await lab.inGuest(
      GUEST,
      "sudo grep -ho '/usr/lib/.*libgallium.*' /proc/$(pgrep -o mir_demo_server)/maps | sort -u",
    );
    assert.match(maps, /libgallium-2[5-9]\./);
    await unchanged();
  });

  it("restores a package that somebody has replaced", async () => {
    await lab.inGuest(
      GUEST,
      "sudo apt-get -q update >&2 && sudo apt-get -q -y --allow-downgrades install libegl-mesa0/bookworm libgbm1/bookworm libgl1-mesa-dri/bookworm >&2",
    );
    const done = await up();
    assert.equal(done.code, 0, done.text);
    assert.match(done.text, /up installs Mesa of bookworm-backports/);
    assert.match((await look()).versions.mesa, /^2[5-9]\./);
    await unchanged();
  });

  it("returns to the distribution's Mesa when the gate is lowered", async () => {
    lab.configure([{ ...GUEST_OF, mesa: SUITE }]);
    const back = await up();
    assert.equal(back.code, 0, back.text);
    assert.match(
      back.text,
      /meets >= 10\.3\.0: up returns from Mesa 2[5-9]\.\S* to the distribution's/,
    );
    assert.equal(await versions(), packages);
    const { readiness, versions: found } = await look();
    assert.deepEqual([readiness, found.mesa.split("-")[0]], ["ready", "22.3.6"]);
    await unchanged();
  });
});

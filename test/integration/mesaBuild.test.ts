/** A Mesa compiled in a lab's guest, and the way back: `npm run test:build`. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestLab } from "./support";

const GUEST = "g1";
/** A smaller build of Debian's Mesa: its renderer identifies it. */
const BUILT = {
  ...{ source: "build", when: "always" },
  build: { source: { package: "mesa", suite: "trixie" } },
};
const skip =
  process.env.MIRLAB_TEST_LONG === "1" ? false : "takes most of an hour: npm run test:build";

describe("a Mesa compiled in a guest", { skip, timeout: 7_200_000 }, () => {
  const lab = new TestLab({ stack: "itest-mesabuild", guests: [{ name: GUEST }] });
  const up = () => lab.pulumi("up", "--yes", "--skip-preview");
  const versions = () => lab.inGuest(GUEST, "dpkg-query -W -f '${Package} ${Version}\\n'");
  const readiness = async () => (await lab.outputs())[GUEST]?.readiness;
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

  const drawsBy = () =>
    lab.inGuest(
      GUEST,
      `said() { sudo journalctl -o cat -b _PID=$(pgrep -o mir_demo_server) | sed -n 's/.*GL \\(renderer\\|version\\): //p'; }
       for ((i = 0; i < 60; i++)); do [ "$(said | wc -l)" -lt 2 ] || break; sleep 1; done
       said | tail -n 2 | sort | paste -sd' '
       sudo grep -ho '/opt/mirlab/mesa/.*' /proc/$(pgrep -o mir_demo_server)/maps | sort -u; dpkg -V mirlab-mesa 2>&1 || :`,
    );

  it("compiles a Mesa in the guest, beside the distribution's: Mir draws with it", async () => {
    lab.configure([{ name: GUEST, mesa: BUILT }]);
    const preview = await lab.pulumi("preview");
    assert.match(preview.text, /mesa\.when is 'always': up builds mesa \(mesa of trixie\), about/);
    const done = await up();
    assert.equal(done.code, 0, done.text);
    assert.match(done.text, /mesa: build: compile: \d+ of \d+ steps/);
    assert.equal(await readiness(), "ready");
    const told = await drawsBy();
    assert.match(told, /^OpenGL ES 3\.\d Mesa 25\.0\.7 \(git-[0-9a-f]{8}\) softpipe\n/);
    assert.match(told, /\/libEGL_mesa\.so\.[^]*\/libgallium-[^]*\/libgbm\.so\./);
    assert.doesNotMatch(told, /missing|\?\?5/);
    assert.equal(
      (await versions()).replace(/^mirlab-mesa .*\n/m, ""),
      packages,
      "none of the distribution's packages is another",
    );
    await unchanged();
  });

  it("can be removed by dpkg alone, and is restored by the next up", async () => {
    await lab.inGuest(GUEST, "sudo dpkg -r mirlab-mesa >&2 && sudo systemctl restart mir-session");
    assert.match(await drawsBy(), /^OpenGL ES 3\.\d Mesa 25\.0\.7 llvmpipe/);
    const again = await up();
    assert.equal(again.code, 0, again.text);
    assert.match(again.text, /mesa: build: the host has the package from an earlier build/);
    assert.doesNotMatch(again.text, /steps;/);
    assert.match(await drawsBy(), /softpipe/);
    await unchanged();
  });
});

/** A guest whose card has two outputs: each shows a picture, one is unplugged and plugged in again. A long test. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { pictureFacts, readPicture } from "../../components/readiness/picture";
import { TestLab } from "./support";

const skip = process.env.MIRLAB_TEST_LONG === "1" ? false : "set MIRLAB_TEST_LONG=1";
const GUEST = "g1";
const OUTPUTS = [
  { width: 1024, height: 768 },
  { width: 800, height: 600 },
];

describe("a guest with two outputs", { skip, timeout: 3_600_000 }, () => {
  const guest = { name: GUEST, video: { model: "virtio", outputs: OUTPUTS } };
  const lab = new TestLab({ stack: "itest-outputs", guests: [guest] });
  before(() => lab.init());
  after(() => lab.dispose());

  it("shows a picture of the declared size on each", async () => {
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
    const { readiness, screenshot = "" } = ((await lab.outputs())[GUEST] ?? {}) as {
      readonly readiness?: string;
      readonly screenshot?: string;
    };
    assert.equal(readiness, "ready");
    for (const [i, { width, height }] of OUTPUTS.entries()) {
      const file = i === 0 ? screenshot : screenshot.replace(".png", `-${i + 1}.png`);
      const facts = pictureFacts(readPicture(readFileSync(file)));
      assert.deepEqual([facts.width, facts.height], [width, height]);
    }
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });

  it("is not ready while one is unplugged, and is again once it is plugged in", async () => {
    const pulled = await lab.verb("output", GUEST, "unplug", "2");
    assert.equal(pulled.code, 0, pulled.text);
    // A session that has just started may still settle: it is not judged yet.
    let seen = "";
    for (let i = 0; i < 15 && !seen.includes("display: found"); i++)
      seen = (await lab.pulumi("preview")).text;
    assert.match(seen, /display: found Virtual-1 with \d+ modes, .*; need 2 connected connectors/);
    const plugged = await lab.verb("output", GUEST, "plug", "2");
    assert.equal(plugged.code, 0, plugged.text);
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
  });
});

/**
 * All tests of other kernels, in a lab of its own: `npm run test:build`, about 20 min without KVM.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { kernels } from "./kernels";
import { TestLab } from "./support";

const GUEST = "g1";
const skip = process.env.MIRLAB_TEST_LONG === "1" ? false : "takes 20 min: npm run test:build";

describe("other kernels in a guest", { skip, timeout: 7_200_000 }, () => {
  const lab = new TestLab({
    stack: "itest-kernels",
    guests: [{ name: GUEST, image: { source: "debian", suite: "bookworm" } }],
  });

  before(() => lab.init());
  after(() => lab.dispose());

  it("boots with the distribution's kernel", async () => {
    const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
  });

  kernels({ lab, guest: GUEST });
});

import assert from "node:assert/strict";
import { it } from "node:test";
import { outputWords, recordedVideo } from "../../../config/video";

it("an output without a position is right of the one before it, by its logical width", () => {
  assert.deepEqual(
    outputWords([
      { width: 1280, height: 800, scale: 2, y: 0 },
      { width: 800, height: 600, scale: 1, y: 0 },
      { width: 640, height: 480, scale: 1, x: 0, y: 400 },
      { width: 640, height: 480, scale: 1, y: 0 },
    ]),
    ["1280x800@2+0+0", "800x600@1+640+0", "640x480@1+0+400", "640x480@1+640+0"],
  );
});

it("a resource records no more of the page's card than an earlier version did", () => {
  const output = { width: 1280, height: 800, scale: 1, y: 0 };
  assert.deepEqual(recordedVideo({ model: "qxl", outputs: [], ramKiB: 1 }), { ramKiB: 1 });
  assert.deepEqual(recordedVideo({ model: "virtio", outputs: [output, output], ramKiB: 1 }), {
    ...{ ramKiB: 1, model: "virtio", heads: 2 },
  });
});

import assert from "node:assert/strict";
import { it } from "node:test";
import { kernelConfig } from "../../../../components/build/order.io";
import { readLab } from "../../../../config/lab";
import { ROOT } from "../../support";

process.chdir(ROOT);

it("a compiled kernel has the declared card's driver; the lab's own configuration has QXL's", () => {
  const fragmentsOf = (model: string) => {
    const source = { package: "linux-source-6.12", suite: "trixie" };
    const kernel = { source: "build", build: { source } };
    const { lab, faults } = readLab({ guests: [{ name: "mir", video: { model }, kernel }] });
    assert.deepEqual(faults, []);
    const [guest] = lab?.guests ?? [];
    assert.ok(guest);
    return kernelConfig(guest).build?.fragments.map(({ text }) => text);
  };
  assert.deepEqual(fragmentsOf("qxl"), []);
  assert.deepEqual(fragmentsOf("virtio"), ["CONFIG_DRM_VIRTIO_GPU=y\n"]);
  assert.deepEqual(fragmentsOf("bochs"), ["CONFIG_DRM_BOCHS=y\n"]);
});

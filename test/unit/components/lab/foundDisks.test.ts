import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { foundDisk } from "../../../../components/lab/foundDisks.io";
import { run } from "../../../../core/exec.io";
import { temporaryFolder } from "../../support";

const folder = join(temporaryFolder(), "a pool, with ümlauts");
const HEX = "0".repeat(64);

async function qemuImg(...words: string[]): Promise<string> {
  const ended = await run(["qemu-img", ...words]);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString();
}
const infoOf = (file: string): Promise<string> =>
  qemuImg("info", "--force-share", "--output=json", "--", join(folder, file));

describe("a disk that only the host knows", () => {
  before(async () => {
    mkdirSync(folder);
    for (const image of ["abc.qcow2", `sha256-${HEX}.qcow2`]) {
      const size = ["-q", "-f", "qcow2", join(folder, image), "1M"];
      await qemuImg("create", ...size);
      const on = ["-F", "qcow2", "-b", join(folder, image), join(folder, `mir-vm-${image}`)];
      await qemuImg("create", "-q", "-f", "qcow2", ...on);
    }
  });

  it("has its volume's name and its image, and counts as booted", async () => {
    assert.deepEqual(foundDisk(await infoOf("mir-vm-abc.qcow2")), {
      volume: "mir-vm-abc.qcow2",
      image: { path: join(folder, "abc.qcow2"), format: "qcow2" },
      booted: true,
    });
  });

  it("has the digest of an image by URL", async () => {
    const disk = foundDisk(await infoOf(`mir-vm-sha256-${HEX}.qcow2`));
    assert.equal(disk?.image.digest, `sha256:${HEX}`);
  });

  it("is none where the script printed nothing, or the disk stands on no image", async () => {
    assert.equal(foundDisk(""), undefined);
    assert.equal(foundDisk(await infoOf("abc.qcow2")), undefined);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  laterDisk,
  generationOf,
  imageKey,
  RecordedDisk,
  rootDisk,
} from "../../../../components/image/rootDisk";

const IMAGE = { path: "/cache/images/0123456789abcdef.qcow2", format: "qcow2" } as const;
const OTHER = { path: "/cache/images/fedcba9876543210.qcow2", format: "qcow2" } as const;
const recorded = (changes: Partial<RecordedDisk> = {}): RecordedDisk => ({
  ...{ volume: "mir-vm-0123456789ab.qcow2", image: IMAGE, booted: true },
  ...changes,
});

describe("a root disk", () => {
  it("is a new one where the lab has none", () => {
    assert.deepEqual(rootDisk("mir", IMAGE, undefined, false), {
      ...{ volume: "mir-vm-0123456789ab.qcow2", image: IMAGE, kept: false, outdated: false },
    });
  });

  it("stays as it is once a guest has booted from it", () => {
    const { volume } = recorded();
    assert.deepEqual(rootDisk("mir", IMAGE, recorded(), false), {
      ...{ volume, image: IMAGE, kept: true, outdated: false },
    });
    assert.deepEqual(rootDisk("mir", OTHER, recorded(), false), {
      ...{ volume, image: IMAGE, kept: true, outdated: true },
    });
  });

  it("is another one, under another name, for a guest that is reset", () => {
    const first = rootDisk("mir", IMAGE, recorded(), true);
    assert.deepEqual([first.volume, first.kept], ["mir-vm-0123456789ab-2.qcow2", false]);
    const second = rootDisk("mir", OTHER, recorded({ volume: first.volume }), true);
    assert.equal(second.volume, "mir-vm-fedcba987654-3.qcow2");
    assert.deepEqual(second.image, OTHER);
  });

  it("is named to what holds for one disk only, from the second on", () => {
    assert.deepEqual(laterDisk(rootDisk("mir", IMAGE, undefined, false)), {});
    assert.deepEqual(laterDisk(rootDisk("mir", IMAGE, recorded(), true)), {
      disk: "mir-vm-0123456789ab-2.qcow2",
    });
  });

  it("follows the configuration until the guest has booted", () => {
    const { volume, kept } = rootDisk("mir", OTHER, recorded({ booted: false }), false);
    assert.deepEqual([volume, kept], ["mir-vm-fedcba987654.qcow2", false]);
    const same = rootDisk("mir", IMAGE, recorded({ booted: false }), false);
    assert.equal(same.volume, recorded().volume);
  });

  it("is named by its image, in names that stay readable", () => {
    for (const [path, key] of [
      ["/images/0123456789abcdef.qcow2", "0123456789ab"],
      ["/images/sha256-0123456789abcdef.raw", "0123456789ab"],
      ["/images/abc.qcow2", "abc"],
    ] as const)
      assert.equal(imageKey(path), key);
    for (const [volume, generation] of [
      ["mir-vm-0123456789ab.qcow2", 1],
      ["mir-vm-0123456789ab-2.qcow2", 2],
      ["a-1-vm-0123456789ab-12.qcow2", 12],
      ["a-vm-1-vm-0123456789ab.qcow2", 1],
    ] as const)
      assert.equal(generationOf(volume), generation, volume);
  });
});

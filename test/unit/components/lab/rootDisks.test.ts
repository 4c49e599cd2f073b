import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RecordedLab, recordedLab } from "../../../../components/lab/recorded";
import { diskFaults, namedGuests, rootDisks } from "../../../../components/lab/rootDisks";
import { readLab } from "../../../../config/lab";
import { Lab } from "../../../../config/schema";

const POOL = "/var/lib/mirlab/dev/pool";
const IMAGE = { path: "/cache/images/abc.qcow2", format: "qcow2" } as const;
const OTHER = { path: "/cache/images/def.qcow2", format: "qcow2" } as const;

function labOf(...names: string[]): Lab {
  const { lab, faults } = readLab({ guests: names.map((name) => ({ name })) });
  assert.deepEqual(faults, []);
  assert.ok(lab !== undefined);
  return lab;
}

const recorded = (...names: string[]): RecordedLab => ({
  ...{ name: "dev", poolPath: POOL, accelerations: new Map() },
  disks: new Map(
    names.map((name) => [name, { volume: `${name}-vm-abc.qcow2`, image: IMAGE, booted: true }]),
  ),
});
const NONE = { reset: [], remove: [] };

describe("the disks of a run", () => {
  it("need no word while every booted disk has its guest and its pool", () => {
    assert.deepEqual(diskFaults(labOf("mir", "two"), POOL, recorded("mir"), NONE), []);
    assert.deepEqual(diskFaults(labOf("mir"), POOL, recordedLab([]), NONE), []);
  });

  it("are not taken from a guest that is no longer declared, unless it is named", () => {
    assert.deepEqual(diskFaults(labOf("mir2"), POOL, recorded("mir"), NONE), [
      "mir: found its disk mir-vm-abc.qcow2, but no such guest with a disk of its own in the configuration; " +
        "need every guest that has a disk, or its name: its disk would be deleted; " +
        "fix: declare it again, or delete it with 'lab up --remove mir'",
    ]);
    assert.deepEqual(
      diskFaults(labOf("mir2"), POOL, recorded("mir"), { reset: [], remove: ["mir"] }),
      [],
    );
  });

  it("do not move to another folder", () => {
    assert.deepEqual(diskFaults(labOf("mir"), "/srv/dev/pool", recorded("mir"), NONE), [
      "host.dataDir: found the pool at /srv/dev/pool, while the guests' disks are in /var/lib/mirlab/dev/pool; " +
        "need the folder that the lab was made in: its disks do not move; " +
        "fix: set host.dataDir back, or remove the lab with 'lab down' first",
    ]);
  });

  it("are not reset for a name that is no guest's", () => {
    assert.match(
      diskFaults(labOf("mir"), POOL, recorded("mir"), { reset: ["mri"], remove: [] }).join(),
      /^reset mri: found no such guest .*; need one of mir; fix: correct the name$/,
    );
  });

  it("are not removed with a guest that is still declared", () => {
    assert.deepEqual(
      diskFaults(labOf("mir"), POOL, recorded("mir"), { reset: [], remove: ["mir"] }),
      [
        "remove mir: found the guest in the configuration; need a guest that is no longer declared; " +
          "fix: delete it from mirlab:guests, or make it anew with 'lab reset mir'",
      ],
    );
  });

  it("are kept for all guests but those that are named", () => {
    const disks = rootDisks(
      labOf("mir", "two", "new"),
      recorded("mir", "two"),
      { reset: ["two"], remove: [] },
      () => OTHER,
    );
    assert.deepEqual(
      [...disks].map(([name, { volume, kept, outdated }]) => [name, volume, kept, outdated]),
      [
        ["mir", "mir-vm-abc.qcow2", true, true],
        ["two", "two-vm-def-2.qcow2", false, false],
        ["new", "new-vm-def.qcow2", false, false],
      ],
    );
  });

  it("are named by lists with commas in the environment", () => {
    assert.deepEqual(namedGuests({}), NONE);
    assert.deepEqual(namedGuests({ MIRLAB_RESET: "a,b", MIRLAB_REMOVE: "" }), {
      ...{ reset: ["a", "b"], remove: [] },
    });
  });
});

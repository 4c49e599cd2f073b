import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { putBack, StackExport } from "../../../cli/putBack";

const VOLUME = "libvirt:index/volume:Volume";
const disk = (guest: string, name: string, rest: object = {}) => ({
  ...{ urn: `urn:pulumi:dev::mirlab::a$${VOLUME}::${guest}-vm-disk`, type: VOLUME },
  ...{ outputs: { name }, ...rest },
});
const other = { urn: "urn:pulumi:dev::mirlab::x::mir-vm-domain", type: "x", outputs: {} };
const state = (...resources: object[]) =>
  ({ version: 3, deployment: { manifest: {}, resources } }) as unknown as StackExport;

describe("a replaced disk, put back", () => {
  it("has the place of the disk that replaced it, which is to be deleted then", () => {
    const old = disk("mir", "mir-vm-abc.qcow2", { delete: true, protect: true });
    assert.deepEqual(
      putBack(state(disk("mir", "mir-vm-abc-2.qcow2"), other, old), "mir"),
      state(
        disk("mir", "mir-vm-abc.qcow2", { protect: true }),
        other,
        disk("mir", "mir-vm-abc-2.qcow2", { delete: true }),
      ),
    );
  });

  it("is the oldest of several: the guest was ready on it", () => {
    const after = putBack(
      state(
        disk("mir", "mir-vm-abc-10.qcow2"),
        disk("mir", "mir-vm-abc-9.qcow2", { delete: true }),
        disk("mir", "mir-vm-abc-8.qcow2", { delete: true }),
      ),
      "mir",
    );
    assert.deepEqual(
      after?.deployment.resources?.map(({ outputs, delete: gone }) => [outputs?.name, gone]),
      [
        ["mir-vm-abc-8.qcow2", undefined],
        ["mir-vm-abc-9.qcow2", true],
        ["mir-vm-abc-10.qcow2", true],
      ],
    );
  });

  it("is not there for a guest whose disk was not replaced", () => {
    const old = disk("two", "two-vm-abc.qcow2", { delete: true });
    assert.equal(putBack(state(disk("mir", "a"), disk("two", "b"), old), "mir"), undefined);
    assert.equal(putBack({ deployment: {} }, "mir"), undefined);
  });
});

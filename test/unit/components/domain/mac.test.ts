import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { macAddress } from "../../../../components/domain/mac";

describe("macAddress", () => {
  // These values are in people's DHCP leases and states: they must never change.
  const table: [string, string, string][] = [
    ["dev", "mir", "52:54:00:6c:93:53"],
    ["dev", "mir2", "52:54:00:5b:68:fd"],
    ["ci", "mir", "52:54:00:72:88:d8"],
  ];
  for (const [stack, guest, mac] of table) {
    it(`of ${stack}/${guest} is ${mac}`, () => assert.equal(macAddress(stack, guest), mac));
  }

  it("has QEMU's prefix, and separates stack and guest", () => {
    assert.notEqual(macAddress("a", "bc"), macAddress("ab", "c"));
    fc.assert(
      fc.property(fc.string(), fc.string(), (stack, guest) => {
        assert.match(macAddress(stack, guest), /^52:54:00(:[0-9a-f]{2}){3}$/);
      }),
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS_S, slowness, STALL_S } from "../../../core/limits";

describe("the limits of waits", () => {
  it("grow with a host's slowness, and never shrink", () => {
    assert.equal(slowness(60, 10), 6);
    assert.equal(slowness(2, 10), 1);
  });

  it("end what stands still long before what moves", () => {
    for (const accel of ["kvm", "tcg"] as const)
      for (const step of ["ssh", "session"] as const)
        assert.ok(STALL_S[accel][step] * 5 <= LIMITS_S[accel][step], `${accel} ${step}`);
  });
});

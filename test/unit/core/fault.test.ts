import assert from "node:assert/strict";
import { it } from "node:test";
import { faultText } from "../../../core/fault";

it("a failure names what, found and need, and optionally fix and log", () => {
  const fault = { what: "mesa", found: "10.1.3", need: ">= 10.3.0" };
  assert.equal(faultText(fault), "mesa: found 10.1.3; need >= 10.3.0");
  assert.equal(
    faultText({ ...fault, fix: "build it", log: "build/mesa.log" }),
    "mesa: found 10.1.3; need >= 10.3.0; fix: build it; log: build/mesa.log",
  );
});

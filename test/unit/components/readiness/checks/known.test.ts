import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  HARNESS_FAULTS,
  isKnownRenderer,
  isSoftware,
  MIR_RULES,
  missingModules,
} from "../../../../../components/readiness/checks/known";

describe("the tables of known faults and rules", () => {
  it("have the date of each row", () => {
    for (const { known } of [...MIR_RULES, ...HARNESS_FAULTS]) {
      assert.match(known, /^20\d\d-\d\d-\d\d$/);
      assert.ok(!Number.isNaN(Date.parse(known)));
    }
  });
});

describe("missingModules", () => {
  const table: [string, boolean, string[], string[]][] = [
    ["2.11.0", true, [], []],
    ["2.12.1", true, ["graphics-gbm-kms.so.20"], []],
    ["2.15.9", true, ["graphics-gbm-kms.so.20"], []],
    ["2.16.0", true, ["graphics-gbm-kms.so.22"], ["renderer-egl-generic.so."]],
    ["2.16.0", false, ["graphics-gbm-kms.so.22"], []],
    ["2.30.0", true, ["graphics-gbm-kms.so.23", "renderer-egl-generic.so.23"], []],
    ["2.30.0", true, [], ["graphics-gbm-kms.so.", "renderer-egl-generic.so."]],
  ];
  for (const [version, software, modules, missing] of table) {
    it(`finds ${missing.length} missing of Mir ${version} with ${modules.join(" ")}`, () =>
      assert.deepEqual(
        missingModules(version, software, modules).map((rule) => rule.module),
        missing,
      ));
  }
});

describe("renderers", () => {
  const table: [string, boolean, boolean][] = [
    ["llvmpipe (LLVM 15.0.6, 128 bits)", true, true],
    ["softpipe", true, true],
    ["Gallium 0.4 on softpipe", true, true],
    ["virgl (Mesa Intel(R) UHD)", false, true],
    ["AMD Radeon RX 6600 (radeonsi, navi23)", false, true],
    ["", false, false],
    ["  ", false, false],
    ["not llvmpipe", false, false],
    ["llvmpipeline", false, false],
  ];
  for (const [renderer, software, known] of table) {
    it(`knows '${renderer}': ${known}, in software: ${software}`, () =>
      assert.deepEqual([isSoftware(renderer), isKnownRenderer(renderer)], [software, known]));
  }
});

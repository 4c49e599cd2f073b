import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policyArgs } from "../../../cli/policyArgs";

const OURS = ["--policy-pack", "policies"];
const SETTINGS = ["--policy-pack-config", "policies/config.json"];
const EMPTY = ["--policy-pack-config", "policies/empty.json"];

describe("the engine's arguments for policy packs", () => {
  const table: [what: string, args: string[], expected: string[]][] = [
    ["nothing of the user's", [], [...OURS, ...SETTINGS]],
    ["other arguments", ["--diff", "--target", "a"], [...OURS, ...SETTINGS]],
    ["a pack without settings", ["--policy-pack", "mine"], [...OURS, ...SETTINGS, ...EMPTY]],
    [
      "two packs, one with an equals sign",
      ["--policy-pack=mine", "--policy-pack", "other"],
      [...OURS, ...SETTINGS, ...EMPTY, ...EMPTY],
    ],
    [
      "a pack with its settings",
      ["--policy-pack", "mine", "--policy-pack-config", "mine.json"],
      [...OURS, ...SETTINGS],
    ],
    ["settings alone: they are for the project's pack", ["--policy-pack-config=my.json"], OURS],
    [
      "a pack and two settings: the first is for the project's pack",
      ["--policy-pack", "mine", "--policy-pack-config", "a", "--policy-pack-config", "b"],
      OURS,
    ],
  ];
  for (const [what, args, expected] of table) {
    it(`of ${what}`, () => {
      assert.deepEqual(policyArgs(args), expected);
      // The engine wants as many settings as packs, in the same order.
      const all = [...policyArgs(args), ...args];
      const count = (name: string) =>
        all.filter((a) => a === name || a.startsWith(`${name}=`)).length;
      assert.equal(count("--policy-pack-config"), count("--policy-pack"));
    });
  }
});

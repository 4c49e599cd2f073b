import assert from "node:assert/strict";
import { it } from "node:test";
import { merged, Part } from "../host/record";

const part = (name: string, date: string, passed: boolean): Part => ({
  ...{ name, date, passed, notes: [] },
});

it("a recorded run of some parts replaces these parts, and keeps the others with their days", () => {
  const kept = ["first up", "power cut", "down"].map((name) => part(name, "2026-12-01", false));
  const run = [part("first up", "2026-12-02", true), part("drift", "2026-12-02", true)];
  const now = merged(kept, run).map(({ name, date, passed }) => `${name} ${date} ${passed}`);
  assert.deepEqual(now, [
    "first up 2026-12-02 true",
    "power cut 2026-12-01 false",
    "down 2026-12-01 false",
    "drift 2026-12-02 true",
  ]);
});

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { TodayProvider } from "../../../components/todayProvider";
import { temporaryFolder } from "../support";

// A checkout of its own: providers are looked for in the folder that the engine runs in.
const checkout = temporaryFolder();
mkdirSync(join(checkout, "io"));
process.chdir(checkout);
const file = (name: string, text: string): void =>
  writeFileSync(join(checkout, "io", `${name}.js`), text);
file("register", "");

describe("TodayProvider", () => {
  it("passes every call on to the checkout's module, with its arguments", async () => {
    const methods = ["check", "diff", "create", "read", "update", "delete"];
    const bodies = methods.map(
      (m) => `async ${m}(...args) { calls.push(["${m}", ...args]); return {}; }`,
    );
    file(
      "whole",
      `const calls = (globalThis.calls = []); exports.provider = { ${bodies.join(",")} };`,
    );
    const provider = new TodayProvider("whole");
    await provider.check(1, 2);
    await provider.diff("id", 3, 4);
    await provider.create(5);
    await provider.read("id", 6);
    await provider.update("id", 7, 8);
    await provider.delete("id", 9);
    assert.deepEqual((globalThis as unknown as { calls: unknown }).calls, [
      ["check", 1, 2],
      ["diff", "id", 3, 4],
      ["create", 5],
      ["read", "id", 6],
      ["update", "id", 7, 8],
      ["delete", "id", 9],
    ]);
  });

  it("does what Pulumi does where the module has no method", async () => {
    file("least", "exports.provider = { create: async () => ({ id: 'a' }) };");
    const provider = new TodayProvider("least");
    assert.deepEqual(await provider.check({}, { a: 1 }), { inputs: { a: 1 } });
    assert.deepEqual(await provider.diff("id", {}, {}), {});
    assert.deepEqual(await provider.read("id", { a: 1 }), { id: "id", props: { a: 1 } });
    assert.deepEqual(await provider.update("id", {}, { a: 1 }), { outs: { a: 1 } });
    await provider.delete("id", {});
  });

  it("keeps its own code in the state of a failure that keeps measurements", async () => {
    const fail = "throw Object.assign(new Error('unmet'), { id: 'a', properties: { found: 1 } });";
    file(
      "failing",
      `exports.provider = { async create() { ${fail} }, async update() { ${fail} } };`,
    );
    const provider = new TodayProvider("failing");
    const kept = { message: "unmet", id: "a", properties: { found: 1, __provider: "code" } };
    await assert.rejects(provider.create({ __provider: "code" }), kept);
    await assert.rejects(provider.update("id", {}, { __provider: "code" }), kept);
  });

  it("passes any other failure on as it is", async () => {
    file(
      "broken",
      "exports.provider = { create: async () => { throw new TypeError('broken'); } };",
    );
    await assert.rejects(
      new TodayProvider("broken").create({ __provider: "code" }),
      (error: object) => {
        assert.ok(error instanceof TypeError);
        assert.equal("properties" in error, false);
        return true;
      },
    );
  });

  it("fails when the checkout has no such module", async () => {
    await assert.rejects(new TodayProvider("missing").create({}), { code: "MODULE_NOT_FOUND" });
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { ROOT, temporaryFolder } from "../support";

type Provider = Required<pulumi.dynamic.ResourceProvider>;

// A checkout of its own, with modules of this test.
const checkout = temporaryFolder();
mkdirSync(join(checkout, "io"));
const file = (name: string, text: string): void =>
  writeFileSync(join(checkout, "io", `${name}.js`), text);
cpSync(join(ROOT, "io", "today.js"), join(checkout, "io", "today.js"));
file("register", "");

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the copy, not the checkout's own
const { providerOf } = require(join(checkout, "io", "today.js")) as {
  providerOf(module: string): Provider;
};

describe("a provider of today", () => {
  it("passes every call on to the checkout's module, with its arguments", async () => {
    const methods = ["check", "diff", "create", "read", "update", "delete"];
    const bodies = methods.map(
      (m) => `async ${m}(...args) { calls.push(["${m}", ...args]); return {}; }`,
    );
    file(
      "whole",
      `const calls = (globalThis.calls = []); exports.provider = { ${bodies.join(",")} };`,
    );
    const provider = providerOf("whole");
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

  it("has no method that the module has not: Pulumi knows what to do without", () => {
    file("least", "exports.provider = { create: async () => ({ id: 'a' }) };");
    assert.deepEqual(Object.keys(providerOf("least")), ["create"]);
  });

  it("keeps its own code in the state of a failure that keeps measurements", async () => {
    const fail = "throw Object.assign(new Error('unmet'), { id: 'a', properties: { found: 1 } });";
    file(
      "failing",
      `exports.provider = { async create() { ${fail} }, async update() { ${fail} } };`,
    );
    const provider = providerOf("failing");
    const kept = { message: "unmet", id: "a", properties: { found: 1, __provider: "code" } };
    await assert.rejects(provider.create({ __provider: "code" }), kept);
    await assert.rejects(provider.update("id", {}, { __provider: "code" }), kept);
  });

  it("passes any other failure on as it is", async () => {
    file(
      "broken",
      "exports.provider = { create: async () => { throw new TypeError('broken'); } };",
    );
    await assert.rejects(providerOf("broken").create({ __provider: "code" }), (error: object) => {
      assert.ok(error instanceof TypeError);
      assert.equal("properties" in error, false);
      return true;
    });
  });

  it("fails when the checkout has no such module", () => {
    assert.throws(() => providerOf("missing"), { code: "MODULE_NOT_FOUND" });
  });
});

describe("a provider whose engine was killed", { timeout: 30_000 }, () => {
  // As Pulumi's host of dynamic providers: what nobody catches is told, and it goes on.
  const host = `
    process.on("uncaughtException", (error) => console.error(error.stack));
    require(${JSON.stringify(join(checkout, "io", "today.js"))});
    setInterval(() => console.log("still waiting"), 20);`;

  it("ends when nobody hears it", async () => {
    const child = spawn(process.execPath, ["-e", host], { stdio: ["ignore", "pipe", "pipe"] });
    await once(child.stdout, "data");
    child.stdout.destroy();
    child.stderr.destroy();
    const [code] = (await once(child, "exit")) as [number | null];
    assert.equal(code, 1);
  });

  it("ends when its parent is gone, silent or not", async () => {
    const silent = host.replace('console.log("still waiting")', "undefined");
    const shell = '"$@" & echo $!; sleep 1';
    const argv = ["-c", shell, "sh", process.execPath, "-e", silent];
    const parent = spawn("sh", argv, { stdio: ["ignore", "pipe", "ignore"] });
    const [told] = (await once(parent.stdout, "data")) as [Buffer];
    const folder = `/proc/${told.toString().trim()}`;
    assert.ok(existsSync(folder));
    await once(parent, "exit");
    for (let i = 0; i < 100 && existsSync(folder); i++)
      await new Promise((f) => setTimeout(f, 100));
    assert.ok(!existsSync(folder), "it is still there");
  });
});

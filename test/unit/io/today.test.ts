import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { ROOT, temporaryFolder } from "../support";

type Provider = Required<pulumi.dynamic.ResourceProvider>;

// A separate checkout with handlers of this test.
const checkout = temporaryFolder();
for (const folder of ["io", "core", "rooms"]) mkdirSync(join(checkout, folder));
const file = (name: string, text: string): void =>
  writeFileSync(join(checkout, "rooms", `${name}.js`), text);
for (const name of ["today.js", "register.js"]) {
  cpSync(join(ROOT, "io", name), join(checkout, "io", name));
}
writeFileSync(join(checkout, "core", "register.js"), "");
const names = ["whole", "least", "failing", "broken", "renamed", "gone"];
writeFileSync(
  join(checkout, "io", "names.json"),
  JSON.stringify({
    handlers: Object.fromEntries(names.map((name) => [name, `rooms/${name}`])),
    properties: { renamed: { uuid: "bootId" } },
  }),
);

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the copy, not the checkout's own
const { providerOf } = require(join(checkout, "io", "today.js")) as {
  providerOf(module: string): Provider;
};

describe("a provider from the checkout", () => {
  it("passes every call and its arguments to the checkout's module", async () => {
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

  it("has only the module's methods: Pulumi has defaults for the others", () => {
    file("least", "exports.provider = { create: async () => ({ id: 'a' }) };");
    assert.deepEqual(Object.keys(providerOf("least")), ["create"]);
  });

  it("adds its own code to the state of a failure with measurements", async () => {
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

  it("passes on any other failure unchanged", async () => {
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

  it("fails when the checkout has no such handler, with the fix", () => {
    assert.throws(() => providerOf("missing"), /^Error: missing: found no handler .*; fix: use/);
    assert.throws(() => providerOf("gone"), { code: "MODULE_NOT_FOUND" });
  });

  it("loads by the name that states of earlier versions use", () => {
    file("least", "exports.provider = { create: async () => ({ id: 'a' }) };");
    // The code in such a state.
    const script = `
      const { join } = require("node:path");
      require(join(process.cwd(), "io", "register.js"));
      require(join(process.cwd(), "io", "least")).provider.create({}).then(({ id }) => console.log(id));`;
    const options = { cwd: checkout, encoding: "utf8" } as const;
    assert.equal(execFileSync(process.execPath, ["--eval", script], options), "a\n");
  });

  describe("for a resource with a renamed property", () => {
    file(
      "renamed",
      `const seen = (globalThis.seen = []);
       exports.provider = {
         check: async (olds, inputs) => (seen.push(olds), { inputs }),
         diff: async (id, olds, news) => ({ changes: olds.bootId !== news.bootId }),
         read: async (id, props) => (seen.push(props), { id, props: { ...props, status: "ready" } }),
         update: async (id, olds, news) => (seen.push(olds), { outs: news }),
         delete: async (id, props) => void seen.push(props),
       };`,
    );
    const seen = () => (globalThis as unknown as { seen: unknown[] }).seen;

    it("gives its handler the new name, also for an old state", async () => {
      const provider = providerOf("renamed");
      for (const kept of [
        { uuid: "1", a: 2 },
        { bootId: "1", a: 2 },
      ]) {
        seen().length = 0;
        await provider.check(kept, {});
        await provider.read("id", kept);
        await provider.update("id", kept, {});
        await provider.delete("id", kept);
        assert.deepEqual(seen(), Array(4).fill({ bootId: "1", a: 2 }));
        assert.deepEqual(await provider.diff("id", kept, { bootId: "1" }), { changes: false });
        assert.deepEqual(await provider.diff("id", kept, { bootId: "2" }), { changes: true });
      }
    });

    it("returns the state's name from a read: a new name alone is no drift", async () => {
      const provider = providerOf("renamed");
      const read = async (kept: object) => (await provider.read("id", kept)).props as unknown;
      assert.deepEqual(await read({ uuid: "1" }), { uuid: "1", status: "ready" });
      assert.deepEqual(await read({ bootId: "1" }), { bootId: "1", status: "ready" });
    });
  });
});

describe("the names in states", () => {
  const table = JSON.parse(readFileSync(join(ROOT, "io", "names.json"), "utf8")) as {
    handlers: Record<string, string>;
    properties: Record<string, Record<string, string>>;
  };

  it("cover all handlers of dynamic resources", () => {
    const files = readdirSync(join(ROOT, "components"), { recursive: true, encoding: "utf8" })
      .map((name) => `components/${name}`)
      .filter((name) => name.endsWith(".provider.ts"))
      // Other files are shared by several handlers.
      .filter((name) => /^export const provider\b/m.test(readFileSync(join(ROOT, name), "utf8")));
    assert.deepEqual(
      Object.values(table.handlers).sort(),
      files.map((name) => name.replace(/\.ts$/, "")).sort(),
    );
  });

  it("belong to existing handlers", () => {
    for (const name of Object.keys(table.properties)) assert.ok(name in table.handlers, name);
  });
});

describe("a provider whose engine was killed", { timeout: 30_000 }, () => {
  // As Pulumi's host of dynamic providers: it reports uncaught exceptions and continues.
  const host = `
    process.on("uncaughtException", (error) => console.error(error.stack));
    require(${JSON.stringify(join(checkout, "io", "today.js"))});
    setInterval(() => console.log("still waiting"), 20);`;

  it("ends when nobody reads its output", async () => {
    const child = spawn(process.execPath, ["-e", host], { stdio: ["ignore", "pipe", "pipe"] });
    await once(child.stdout, "data");
    child.stdout.destroy();
    child.stderr.destroy();
    const [code] = (await once(child, "exit")) as [number | null];
    assert.equal(code, 1);
  });

  it("ends when its parent has ended, even without output", async () => {
    const silent = host.replace('console.log("still waiting")', "undefined");
    const shell = '"$@" & echo $!; sleep 1';
    const argv = ["-c", shell, "sh", process.execPath, "-e", silent];
    const parent = spawn("sh", argv, { stdio: ["ignore", "pipe", "ignore"] });
    const [pid] = (await once(parent.stdout, "data")) as [Buffer];
    const folder = `/proc/${pid.toString().trim()}`;
    assert.ok(existsSync(folder));
    await once(parent, "exit");
    for (let i = 0; i < 100 && existsSync(folder); i++)
      await new Promise((f) => setTimeout(f, 100));
    assert.ok(!existsSync(folder), "the process is still running");
  });
});

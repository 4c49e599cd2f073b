import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT } from "../support";

const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};

/** Files that a user runs: `npm ci` under NODE_ENV=production or omit=dev has to be enough for them. */
const FILES = ["cli", "components", "config", "core", "io", "policies"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|js)$/.test(name))
    .map((name) => join(folder, name)),
);

/** `@scope/name` or `name` of what a file imports, types aside: they are gone when it runs. */
function packagesOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const imports = text.matchAll(
    /(?:^(?:import|export) (?!type\b)[^;]*?from |^import |\brequire\(|\bimport\()"([^".][^"]*)"/gm,
  );
  return [...imports]
    .map(([, name = ""]) => name)
    .filter((name) => !isBuiltin(name))
    .map((name) =>
      name
        .split("/")
        .slice(0, name.startsWith("@") ? 2 : 1)
        .join("/"),
    );
}

describe("what the program and the verbs load", () => {
  it("is a dependency, not one of development", () => {
    const loaded = new Set(["index.ts", ...FILES].flatMap(packagesOf));
    assert.ok(loaded.has("@pulumi/policy") && loaded.has("commander") && loaded.has("zod"));
    assert.deepEqual(
      [...loaded].filter((name) => !(name in dependencies)),
      [],
    );
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "node:test";

const ROOT = resolve(__dirname, "..", "..", "..");
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8");

interface Entry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
type Packages = Readonly<Record<string, Entry>>;

const LOCKED = (JSON.parse(read("package-lock.json")) as { packages: Packages }).packages;

/** Packages with an install script, which npm does not run, and why they work without it. */
const SCRIPTS: Readonly<Record<string, string>> = {
  "node_modules/@pulumi/command": "fetches a plugin, which toolchain/ensure.sh installs",
  "node_modules/protobufjs": "warns of a version scheme",
  "sdks/libvirt": "fetches a plugin, which toolchain/ensure.sh installs",
};

/** Entries without a digest, or from anywhere but the public registry. */
function unproven(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { integrity, resolved, link }]) => {
    // Folders of this repository.
    if (!path.includes("node_modules/") || link === true) return [];
    const proof = /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "");
    const from = resolved === undefined || resolved.startsWith("https://registry.npmjs.org/");
    return [
      ...(proof ? [] : [`${path}: found integrity ${integrity ?? "none"}; need sha512`]),
      ...(from ? [] : [`${path}: found ${resolved}; need no host, or registry.npmjs.org`]),
    ];
  });
}

const withScript = (packages: Packages): string[] =>
  Object.entries(packages).flatMap(([path, e]) => (e.hasInstallScript === true ? [path] : []));

describe("package-lock.json", () => {
  it("proves the content of every package, and names no host but the public registry", () => {
    assert.ok(Object.keys(LOCKED).length > 100);
    assert.deepEqual(unproven(LOCKED), []);
  });

  const sha512 = `sha512-${"A".repeat(86)}==`;
  const WRONG: Readonly<Record<string, Entry>> = {
    "no integrity": {},
    "a weak digest": { integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
    "another host": { integrity: sha512, resolved: "https://packages.example/a/-/a-1.0.0.tgz" },
    "plain http": { integrity: sha512, resolved: "http://registry.npmjs.org/a/-/a-1.0.0.tgz" },
    "a git commit": { integrity: sha512, resolved: "git+ssh://git@host.example/a.git#0123" },
  };
  for (const [what, entry] of Object.entries(WRONG)) {
    it(`is refused with ${what}`, () => {
      assert.equal(unproven({ "node_modules/a": entry }).length, 1);
    });
  }

  it("brings no install script that is not known here; a new one needs a line and a reason", () => {
    assert.deepEqual(withScript(LOCKED), Object.keys(SCRIPTS));
  });
});

describe("npm", () => {
  it("runs no install script", () => {
    assert.match(read(".npmrc"), /^ignore-scripts=true$/m);
  });

  for (const file of [".ci/run", "bin/lab", ".github/workflows/ci.yml"]) {
    it(`installs what the lockfile says in ${file}, and runs no script of it`, () => {
      const installs = read(file).match(/^.*\bnpm (?:ci|i|install|add|update)\b.*$/gm) ?? [];
      assert.ok(installs.length > 0);
      for (const line of installs) assert.match(line, /\bnpm ci --ignore-scripts\b/);
    });
  }
});

describe("each Go module", () => {
  const files = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*go.mod"],
    {
      ...{ cwd: ROOT, encoding: "utf8" },
    },
  );
  const folders = files.trim().split("\n").map(dirname);

  it("is one of the engine's five, or the linter of workflows", () => {
    assert.equal(folders.filter((folder) => folder.startsWith("toolchain/")).length, 5);
    assert.deepEqual(
      folders.filter((folder) => !folder.startsWith("toolchain/")),
      ["test/actionlint"],
    );
  });

  for (const folder of folders) {
    it(`${folder} has a go.sum with the digest of each module it requires`, () => {
      const sums = read(folder, "go.sum");
      for (const line of sums.trim().split("\n"))
        assert.match(line, /^\S+ v\S+ h1:[A-Za-z0-9+/]{43}=$/);
      const text = read(folder, "go.mod");
      const replaced = [...text.matchAll(/^(?:replace )?\s*(\S+)(?: v\S+)? => /gm)].map(
        ([, m]) => m,
      );
      const wanted = [...text.matchAll(/^(?:require )?\t?(\S+\.\S+) (v\S+)/gm)].filter(
        ([, path]) => !replaced.includes(path),
      );
      assert.ok(wanted.length > 0);
      for (const [, path, version] of wanted)
        assert.ok(sums.includes(`${path} ${version}/go.mod h1:`), `${path} ${version}`);
    });
  }
});

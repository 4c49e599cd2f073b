// Loads this project's TypeScript in any Node process: the program, the host of dynamic providers,
// the policy pack, verbs and tests. `npm run lint` checks the types; this file only transpiles,
// once per content, so that a warm run does not even load the compiler. See docs/decisions/0016.
"use strict";

const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { basename, join, resolve } = require("node:path");

const cache = join(resolve(__dirname, ".."), "node_modules", ".cache", "mirlab");
// The result depends on the file, on the compiler, and on the options in this file.
const compiler = require("typescript/package.json").version;
const loader = fs.readFileSync(__filename, "utf8");

function transpiled(text, file) {
  const { ModuleKind, ScriptTarget, transpileModule } = require("typescript");
  const compilerOptions = {
    module: ModuleKind.CommonJS,
    target: ScriptTarget.ES2022,
    esModuleInterop: true,
    // Stack traces name the lines of the source.
    inlineSourceMap: true,
  };
  return transpileModule(text, { compilerOptions, fileName: file }).outputText;
}

// Renames a complete file, so that a kill leaves no partial one. A read-only checkout has no cache.
function keep(name, text) {
  const partial = `${name}.${process.pid}`;
  try {
    fs.mkdirSync(cache, { recursive: true });
    fs.writeFileSync(partial, text);
    fs.renameSync(partial, name);
  } catch {
    fs.rmSync(partial, { force: true });
  }
}

function compiled(file) {
  const text = fs.readFileSync(file, "utf8");
  // The source map contains the file's path.
  const of = [compiler, loader, file, text].join("\0");
  const key = createHash("sha256").update(of).digest("hex");
  const name = join(cache, `${basename(file, ".ts")}-${key.slice(0, 24)}.js`);
  try {
    return fs.readFileSync(name, "utf8");
  } catch {
    const output = transpiled(text, file);
    keep(name, output);
    return output;
  }
}

require.extensions[".ts"] ??= (module, file) => module._compile(compiled(file), file);

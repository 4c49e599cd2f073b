// The pack's entry. Pulumi checks the types of a policy pack at every start, for seconds of CPU each;
// lint has done that. So what the pack is made of is only compiled, once for each content.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { dirname, join, resolve } = require("node:path");

const root = resolve(__dirname, "..");
const sources = ["policies", "lib"]
  .flatMap((folder) =>
    fs.readdirSync(join(root, folder), { recursive: true }).map((f) => join(folder, f)),
  )
  .filter((file) => file.endsWith(".ts"))
  .concat("io/paths.ts")
  .sort()
  .map((file) => [file, fs.readFileSync(join(root, file), "utf8")]);
const key = createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 16);
const cache = join(root, "node_modules", ".cache", "mirlab-policies");
const made = join(cache, key);

if (!fs.existsSync(made)) {
  const ts = require("typescript");
  const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2022,
    esModuleInterop: true,
  };
  fs.mkdirSync(cache, { recursive: true });
  // A kill leaves no half of it under the name that is looked for.
  const partial = fs.mkdtempSync(join(cache, "partial-"));
  for (const [file, text] of sources) {
    const out = join(partial, file.replace(/\.ts$/, ".js"));
    fs.mkdirSync(dirname(out), { recursive: true });
    fs.writeFileSync(out, ts.transpileModule(text, { compilerOptions }).outputText);
  }
  try {
    fs.renameSync(partial, made);
  } catch (error) {
    // Another run was first.
    if (!fs.existsSync(made)) throw error;
    fs.rmSync(partial, { recursive: true, force: true });
  }
}
require(join(made, "policies", "index.js"));

/**
 * The bill of materials: npm packages, the engine's Go modules, and the Debian packages of a lab.
 *   sbom.ts           writes sbom.cdx.json (CycloneDX 1.6); reads Go modules' licences in the module cache
 *   sbom.ts --check   fails if its components differ from the lockfiles, or have a licence not allowed
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { GUEST_PACKAGES, HOST_PACKAGES, VIEWER_PACKAGES } from "../components/host/packages";
import { ALLOWED, licenceOf } from "./licences";

const ROOT = resolve(__dirname, "..");
const FILE = join(ROOT, "sbom.cdx.json");

interface Component {
  readonly type: "library";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly purl: string;
  readonly scope: "required" | "optional" | "excluded";
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}
interface Bom {
  readonly components: readonly Component[];
}

const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8");
const property = (name: string, value: string) => ({ name: `mirlab:${name}`, value });

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

function npmComponents(): Component[] {
  const { packages } = JSON.parse(read("package-lock.json")) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(packages).flatMap(([path, entry]): Component[] => {
    const name = path.split("node_modules/").at(-1) ?? "";
    const { version = "", integrity = "", license = "" } = entry;
    if (!path.includes("node_modules/") || entry.link === true) return [];
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    const content = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
    return [
      {
        ...{ type: "library", "bom-ref": purl, name, version, purl },
        scope: entry.dev === true ? "excluded" : entry.optional === true ? "optional" : "required",
        hashes: [{ alg: "SHA-512", content }],
        licenses: [{ expression: licenceOf(purl, license) }],
      },
    ];
  });
}

/** Folders with a go.mod: the engine's parts, and the linter of workflows. */
function goFolders(): [folder: string, scope: Component["scope"]][] {
  const parts = readdirSync(join(ROOT, "toolchain"))
    .map((name) => join("toolchain", name))
    .filter((folder) => existsSync(join(ROOT, folder, "go.mod")));
  return [
    ...parts.map((folder): [string, "required"] => [folder, "required"]),
    [join("test", "actionlint"), "excluded"],
  ];
}

/** Modules of a go.mod, after its `replace` directives. */
function goModules(folder: string): [path: string, version: string][] {
  const text = read(folder, "go.mod");
  const replaced = new Map(
    [...text.matchAll(/^(?:replace )?\s*(\S+)(?: v\S+)? => (\S+) (v\S+)/gm)].map(
      ([, from = "", to = "", version = ""]) => [from, [to, version] as const],
    ),
  );
  return [...text.matchAll(/^(?:require |\t)(\S+\.\S+) (v\S+)(?: \/\/ indirect)?$/gm)].map(
    ([, path = "", version = ""]) => [...(replaced.get(path) ?? [path, version])],
  );
}

function goComponents(licence: (path: string, version: string) => string): Component[] {
  return goFolders().flatMap(([folder, scope]) => {
    const sums = read(folder, "go.sum");
    return goModules(folder).map(([path, version]): Component => {
      const purl = `pkg:golang/${path}@${version}`;
      const at = sums.split("\n").find((line) => line.startsWith(`${path} ${version} h1:`));
      return {
        ...{ type: "library", "bom-ref": purl, name: path, version, purl, scope },
        licenses: [{ expression: licence(path, version) }],
        properties: at === undefined ? [] : [property("go.sum", at.split(" ")[2] ?? "")],
      };
    });
  });
}

/** Without versions, which depend on the archive's state; Debian main holds only free software. */
function debianComponents(): Component[] {
  const of = (name: string, scope: Component["scope"]): Component => {
    const purl = `pkg:deb/debian/${name}?distro=bookworm`;
    return {
      ...{ type: "library", "bom-ref": purl, name, purl, scope },
      properties: [property("licence", `Debian main; /usr/share/doc/${name}/copyright`)],
    };
  };
  return [
    ...HOST_PACKAGES.map(({ name }) => of(name, "required")),
    ...VIEWER_PACKAGES.map(({ name }) => of(name, "optional")),
    ...GUEST_PACKAGES.map((name) => of(name, "required")),
  ];
}

function components(licence: (path: string, version: string) => string): Component[] {
  const all = [...npmComponents(), ...goComponents(licence), ...debianComponents()];
  // The same package in two places is one component, required if either place requires it.
  const byRef = new Map<string, Component>();
  for (const one of all) {
    if (byRef.get(one["bom-ref"])?.scope !== "required") byRef.set(one["bom-ref"], one);
  }
  return [...byRef.values()].sort((a, b) => (a["bom-ref"] < b["bom-ref"] ? -1 : 1));
}

/** Without a time, and with a serial number of the content: the same input gives the same bytes. */
function bomText(parts: readonly Component[]): string {
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  const { name, version, license } = JSON.parse(read("package.json")) as Record<string, string>;
  const component = {
    type: "application",
    "bom-ref": name,
    name,
    version,
    licenses: [{ expression: license }],
  };
  const bom = {
    ...{ bomFormat: "CycloneDX", specVersion: "1.6", serialNumber: `urn:uuid:${uuid}`, version: 1 },
    ...{ metadata: { component }, components: parts },
  };
  return `${JSON.stringify(bom, null, 1)}\n`;
}

/** The licence by the module's own text; downloads a module that is not in the cache. */
function ofModule(path: string, version: string): string {
  const answer = execFileSync("go", ["mod", "download", "-json", `${path}@${version}`], {
    ...{ cwd: tmpdir(), encoding: "utf8", env: { ...process.env, GO111MODULE: "on" } },
  });
  const { Dir } = JSON.parse(answer) as { Dir: string };
  const file = readdirSync(Dir).find((name) => /^(un)?licen[cs]e|^copying/i.test(name));
  const text = file === undefined ? "" : readFileSync(join(Dir, file), "utf8");
  return licenceOf(`pkg:golang/${path}@${version}`, "", text);
}

function main(): void {
  if (!process.argv.includes("--check")) {
    writeFileSync(FILE, bomText(components(ofModule)));
    return;
  }
  const text = readFileSync(FILE, "utf8");
  // Without the module cache a Go module's licence is unknown: take it from the file, compare the
  // rest.
  const known = new Map(
    (JSON.parse(text) as Bom).components.map((c) => [c.purl, c.licenses?.[0]?.expression ?? ""]),
  );
  const now = components((path, version) => known.get(`pkg:golang/${path}@${version}`) ?? "");
  const faults = now.flatMap(({ purl, licenses }) => {
    const expression = licenses?.[0]?.expression;
    return expression === undefined || ALLOWED.has(expression)
      ? []
      : [`${purl}: found licence '${expression}'; need one of test/licences.ts`];
  });
  if (bomText(now) !== text) {
    faults.push("sbom.cdx.json: found stale text; need what the lockfiles give; fix: npm run sbom");
  }
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

main();

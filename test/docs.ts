/**
 * Generates parts of the docs from the code.
 *   docs.ts           writes the tables of docs/configuration.md, docs/checks.md, the sections of
 *                     docs/policies.md, the tables of docs/limits.md and docs/tested.md, and the table of
 *                     attacks in SECURITY.md
 *   docs.ts --check   fails if one of them is stale, if a check has no section in the
 *                     troubleshooting page, or if a link in the docs is broken
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { configReference } from "../config/reference";
import { checksPage } from "./checksPage";
import { policySections } from "./policyDocs";
import { runTables } from "./host/record";
import { suitesTable } from "./suites/record";
import { ROWS } from "./machines/rows";
import { linksTo } from "./testRef";
import { limitsTable } from "./unit/config/freeTexts";
import { ATTACKS } from "./security/attacks";

const ROOT = resolve(__dirname, "..");
const CONFIGURATION = join(ROOT, "docs", "configuration.md");
const CHECKS_PAGE = join(ROOT, "docs", "checks.md");
const TROUBLESHOOTING = join(ROOT, "docs", "troubleshooting.md");
const POLICIES = join(ROOT, "docs", "policies.md");
const SECURITY = join(ROOT, "SECURITY.md");
const LIMITS = join(ROOT, "docs", "limits.md");
const TESTED = join(ROOT, "docs", "tested.md");
const SUITES = join(ROOT, "docs", "suites.md");

/** A generated part of a page, between two comments. */
interface Written {
  readonly file: string;
  readonly mark: string;
  readonly text: () => string;
}
const WRITTEN: readonly Written[] = [
  { file: CONFIGURATION, mark: "config", text: configReference },
  { file: POLICIES, mark: "policies", text: policySections },
  { file: SECURITY, mark: "attacks", text: attackTable },
  { file: TESTED, mark: "machines", text: machineTable },
  { file: TESTED, mark: "hosts", text: runTables },
  { file: SUITES, mark: "suites", text: suitesTable },
  { file: LIMITS, mark: "limits", text: limitsTable },
];

function machineTable(): string {
  const rows = ROWS.map(({ id, when, then, test }) => {
    return `| ${id} | ${when} | ${then || "**open**"} | ${linksTo(test, "../") || "none yet"} |`;
  });
  return ["| id | a person has or does | then | held by |", "|---|---|---|---|", ...rows].join(
    "\n",
  );
}

function attackTable(): string {
  const rows = ATTACKS.map(({ id, attack, defence, test }) => {
    return `| ${id} | ${attack} | ${defence} | ${linksTo(test)} |`;
  });
  return ["| id | attack | what refuses it | tried in |", "|---|---|---|---|", ...rows].join("\n");
}

/** Files that declare checks with a section in the troubleshooting page. */
const CHECK_SOURCES = [
  ...["boot", "graphics", "session"].map((tier) => `components/readiness/checks/${tier}.ts`),
  ...readdirSync(join(ROOT, "components", "host", "checks"))
    .filter((file) => !["finding.ts", "index.ts"].includes(file))
    .map((file) => `components/host/checks/${file}`),
  ...["access/privateKey", "host/clients", "host/programs"].map(
    (name) => `components/${name}.io.ts`,
  ),
  "cli/examine.ts",
];

/** The page with its generated part replaced. */
function withFresh(page: string, { file, mark, text }: Written): string {
  const [begin, end] = [`<!-- ${mark}: written by \`npm run docs\` -->`, `<!-- /${mark} -->`];
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start < 0 || stop < start)
    throw new Error(`${file}: found no '${begin}' before '${end}'; need both; fix: restore them`);
  return `${page.slice(0, start)}${begin}\n\n${text()}\n${page.slice(stop)}`;
}

/** Checks without a section in the troubleshooting page. */
function undocumented(): string[] {
  const ids = CHECK_SOURCES.flatMap((file) => {
    const found = [
      ...readFileSync(join(ROOT, file), "utf8").matchAll(/(?:\bid: |\bable\()"([a-z0-9-]+)"/g),
    ];
    if (found.length === 0) return [`${file}: found no check; need at least one`];
    return found.map(([, id]) => id ?? "");
  });
  const page = readFileSync(TROUBLESHOOTING, "utf8");
  return [...new Set(ids)]
    .filter((id) => !page.includes(`\n## ${id}\n`))
    .map((id) => `docs/troubleshooting.md: found no section '## ${id}'; need one; fix: write it`);
}

/** The anchor that a heading gets. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");

/** Broken links in the docs. */
function brokenLinks(): string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name));
  const pages = [".", "docs", "docs/decisions", "toolchain"].flatMap(inFolder);
  return pages.flatMap((page) => {
    const links = [...readFileSync(join(ROOT, page), "utf8").matchAll(/\]\(([^)\s]+)\)/g)];
    return links.flatMap(([, link = ""]) => {
      if (/^https?:/.test(link)) return [];
      const [path = "", heading] = link.split("#");
      const target = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      const headings = (): string[] =>
        [...readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, h]) => anchor(h ?? ""));
      const ok = existsSync(target) && (heading === undefined || headings().includes(heading));
      return ok ? [] : [`${page}: found the broken link ${link}; need a target that exists`];
    });
  });
}

/** Atomic; leaves a file with the same text untouched. */
function write(file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  writeFileSync(`${file}.partial`, text);
  renameSync(`${file}.partial`, file);
}

function main(): void {
  // A page may have several parts.
  const pages = new Map<string, string>([[CHECKS_PAGE, checksPage()]]);
  for (const part of WRITTEN) {
    const page = pages.get(part.file) ?? readFileSync(part.file, "utf8");
    pages.set(part.file, withFresh(page, part));
  }
  const written = [...pages];
  if (!process.argv.includes("--check")) {
    for (const [file, text] of written) write(file, text);
    return;
  }
  const stale = written.flatMap(([file, text]) =>
    existsSync(file) && readFileSync(file, "utf8") === text
      ? []
      : [
          `${relative(ROOT, file)}: found stale text; need what the code generates; fix: npm run docs`,
        ],
  );
  const faults = [...stale, ...undocumented(), ...brokenLinks()];
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

main();

/**
 * Keeps the docs true to the code.
 *   docs.ts           writes docs/configuration.md's tables from the schema, docs/checks.md,
 *                     the sections of docs/policies.md and SECURITY.md's table of attacks
 *   docs.ts --check   fails when they are stale, when a check has no section in the
 *                     troubleshooting page, or when a link in the docs leads nowhere
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { configReference } from "../config/reference";
import { checksPage } from "./checksPage";
import { policySections } from "./policyDocs";
import { ATTACKS } from "./security/attacks";

const ROOT = resolve(__dirname, "..");
const CONFIGURATION = join(ROOT, "docs", "configuration.md");
const CHECKS_PAGE = join(ROOT, "docs", "checks.md");
const TROUBLESHOOTING = join(ROOT, "docs", "troubleshooting.md");
const POLICIES = join(ROOT, "docs", "policies.md");
const SECURITY = join(ROOT, "SECURITY.md");

/** A page's part that is written here, between two comments. */
interface Written {
  readonly file: string;
  readonly mark: string;
  readonly text: () => string;
}
const WRITTEN: readonly Written[] = [
  { file: CONFIGURATION, mark: "config", text: configReference },
  { file: POLICIES, mark: "policies", text: policySections },
  { file: SECURITY, mark: "attacks", text: attackTable },
];

function attackTable(): string {
  const rows = ATTACKS.map(({ id, attack, defence, test }) => {
    const files = [...new Set(test.map(({ file }) => file))];
    const links = files.map((file) => `[${file.replace("test/", "")}](${file})`);
    return `| ${id} | ${attack} | ${defence} | ${links.join(", ")} |`;
  });
  return ["| id | attack | what refuses it | tried in |", "|---|---|---|---|", ...rows].join("\n");
}

/** Where checks that a person meets are declared. */
const CHECK_SOURCES = [
  ...["boot", "graphics", "session"].map((tier) => `components/readiness/checks/${tier}.ts`),
  ...readdirSync(join(ROOT, "components", "host", "checks"))
    .filter((file) => file !== "finding.ts")
    .map((file) => `components/host/checks/${file}`),
  "cli/examine.ts",
];

/** The page with its part written anew. */
function withFresh(page: string, { file, mark, text }: Written): string {
  const [begin, end] = [`<!-- ${mark}: written by \`npm run docs\` -->`, `<!-- /${mark} -->`];
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start < 0 || stop < start)
    throw new Error(`${file}: found no '${begin}' before '${end}', required both; put them back`);
  return `${page.slice(0, start)}${begin}\n\n${text()}\n${page.slice(stop)}`;
}

/** Checks that the troubleshooting page does not tell of. */
function untold(): string[] {
  const ids = CHECK_SOURCES.flatMap((file) => {
    const found = [
      ...readFileSync(join(ROOT, file), "utf8").matchAll(/(?:\bid: |\bable\()"([a-z0-9-]+)"/g),
    ];
    if (found.length === 0) return [`docs: found no check in ${file}, required at least one`];
    return found.map(([, id]) => id ?? "");
  });
  const page = readFileSync(TROUBLESHOOTING, "utf8");
  return [...new Set(ids)]
    .filter((id) => !page.includes(`\n## ${id}\n`))
    .map((id) => `docs/troubleshooting.md: found no section '## ${id}', required one; write it`);
}

/** The anchor that a heading gets. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");

/** Links of the docs that lead nowhere. */
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
      return ok ? [] : [`${page}: found the link ${link}, required one that leads somewhere`];
    });
  });
}

/** Whole or not at all; untouched when it says so already. */
function write(file: string, text: string): void {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  writeFileSync(`${file}.partial`, text);
  renameSync(`${file}.partial`, file);
}

function main(): void {
  const written: [string, string][] = [
    ...WRITTEN.map((part): [string, string] => [
      part.file,
      withFresh(readFileSync(part.file, "utf8"), part),
    ]),
    [CHECKS_PAGE, checksPage()],
  ];
  if (!process.argv.includes("--check")) {
    for (const [file, text] of written) write(file, text);
    return;
  }
  const stale = written.flatMap(([file, text]) =>
    existsSync(file) && readFileSync(file, "utf8") === text
      ? []
      : [
          `${relative(ROOT, file)}: found it stale, required what the code says; run 'npm run docs'`,
        ],
  );
  const faults = [...stale, ...untold(), ...brokenLinks()];
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

main();

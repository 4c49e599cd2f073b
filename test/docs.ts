/**
 * Keeps the docs true to the code.
 *   docs.ts           writes the README's configuration tables from the schema, docs/checks.md,
 *                     the sections of docs/policies.md and SECURITY.md's table of attacks
 *   docs.ts --check   fails when they are stale, when a check has no section in the
 *                     troubleshooting page, or when a link in the docs leads nowhere
 */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { labSchema } from "../config/schema";
import { checksPage } from "./checksPage";
import { policySections } from "./policyDocs";
import { ATTACKS } from "./security/attacks";

const ROOT = resolve(__dirname, "..");
const README = join(ROOT, "README.md");
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
  { file: README, mark: "config", text: configTables },
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
  "cli/doctor.ts",
];

interface Row {
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** A key's schema without its wrappers, and what the wrappers said. */
interface Bare {
  readonly node: z.core.$ZodType;
  readonly optional: boolean;
  readonly fallback: unknown;
  readonly meaning: string;
}

function bare(start: z.core.$ZodType): Bare {
  let node = start;
  let optional = false;
  let fallback: unknown;
  let meaning = "";
  for (;;) {
    if (meaning === "" && node instanceof z.ZodType) meaning = node.description ?? "";
    if (node instanceof z.ZodOptional) optional = true;
    else if (node instanceof z.ZodDefault || node instanceof z.ZodPrefault)
      fallback = node.def.defaultValue;
    else return { node, optional, fallback, meaning };
    node = node.unwrap();
  }
}

const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;

/** What a text must look like, in the words that a wrong one is refused with. */
function textRule(node: z.ZodType): string {
  const { error } = node.safeParse("?");
  const rules = (error?.issues ?? []).flatMap(
    ({ message }) => /\buse (.*?)(?: \([^)]*\))?$/.exec(message)?.[1] ?? [],
  );
  return rules.length === 0 ? "text" : [...new Set(rules)].join("; ");
}

function valueText(node: z.core.$ZodType): string {
  if (node instanceof z.ZodBoolean) return "`true`, `false`";
  if (node instanceof z.ZodNumber) return `${node.minValue} to ${node.maxValue}`;
  if (node instanceof z.ZodEnum) return node.options.map(code).join(", ");
  if (node instanceof z.ZodArray) {
    return `list of: ${valueText(node.element)}`;
  }
  if (node instanceof z.ZodString) return textRule(node);
  throw new Error(
    `docs: found a key of kind ${node._zod.def.type}, required one that is told here`,
  );
}

function fallbackText({ optional, fallback }: Bare): string {
  if (fallback !== undefined) return code(fallback);
  return optional ? "unset" : "required";
}

/** Rows of an object's keys; objects in it follow with their own path. */
function rows(object: z.ZodObject, path: string): Row[] {
  return Object.entries(object.shape).flatMap(([name, schema]) => {
    const key = `${path}.${name}`;
    const found = bare(schema as z.core.$ZodType);
    const { node, meaning } = found;
    if (node instanceof z.ZodObject) {
      const inner = rows(node, key);
      if (!found.optional) return inner;
      return [{ key, value: "the keys below", fallback: "unset", meaning }, ...inner];
    }
    if (node instanceof z.ZodArray && node.element instanceof z.ZodObject) {
      const each: Row = {
        key,
        value: "list of the keys below",
        fallback: fallbackText(found),
        meaning,
      };
      return [each, ...rows(node.element, `${key}[]`)];
    }
    // The kinds of an image have a table each.
    if (node instanceof z.ZodDiscriminatedUnion || node instanceof z.ZodLiteral) return [];
    if (meaning === "") throw new Error(`docs: found no description of ${key}, required one`);
    return [{ key, value: valueText(node), fallback: fallbackText(found), meaning }];
  });
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function table(title: string, body: readonly Row[]): string {
  return [
    `### ${title}`,
    "",
    "| key | value | default | meaning |",
    "|---|---|---|---|",
    ...body.map(
      (r) => `| \`${r.key}\` | ${[r.value, r.fallback, r.meaning].map(cell).join(" | ")} |`,
    ),
    "",
  ].join("\n");
}

/** One table for each kind of image. */
function imageTables(union: z.ZodDiscriminatedUnion, path: string, fallback: unknown): string[] {
  const preset = (fallback as { source?: string } | undefined)?.source;
  return union.options.map((option) => {
    if (!(option instanceof z.ZodObject)) throw new Error("docs: an image is not an object");
    const source = bare(option.shape.source as z.core.$ZodType);
    if (!(source.node instanceof z.ZodLiteral)) throw new Error("docs: an image has no source");
    const value = String(source.node.value);
    const is: Row = {
      key: `${path}.source`,
      value: code(value),
      fallback: value === preset ? code(value) : "required",
      meaning: source.meaning,
    };
    return table(`\`${path}\`, source "${value}"`, [is, ...rows(option, path)]);
  });
}

/** The tables of the whole configuration. */
function configTables(): string {
  const host = bare(labSchema.shape.host).node;
  const guest = labSchema.shape.guests.element;
  const image = bare(guest.shape.image);
  if (!(host instanceof z.ZodObject) || !(image.node instanceof z.ZodDiscriminatedUnion))
    throw new Error("docs: host is not an object, or image not a choice");
  return [
    table("`mirlab:host`", rows(host, "host")),
    table("`mirlab:guests`", rows(guest, "guests[]")),
    ...imageTables(image.node, "guests[].image", image.fallback),
  ].join("\n");
}

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
  const decisions = readdirSync(join(ROOT, "docs", "decisions")).map((f) => `docs/decisions/${f}`);
  const top = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  const written = ["page", "checks", "doctor", "policies", "troubleshooting"].map(
    (name) => `docs/${name}.md`,
  );
  const pages = [...top, ...written, ...decisions];
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

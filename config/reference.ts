/** Generates the configuration reference in Markdown from the schema and the examples. Pure. */
import { z } from "zod";
import { EXAMPLES } from "./examples";
import { labSchema } from "./schema";

interface Row {
  /** The schema of its value. */
  readonly node?: z.core.$ZodType;
  /** e.g. `guests[].video.ramKiB` */
  readonly key: string;
  readonly value: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** A key's schema without its wrappers, and the values of the wrappers. */
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

/** The form of a text, from the messages that refuse a wrong text. */
function textRule(node: z.ZodType): string {
  const issues = ["?", "\n"].map((text) => node.safeParse(text).error?.issues ?? []);
  const rules = (issues.find((all) => all.length > 0) ?? []).flatMap(
    ({ message }) => /\buse (.*?)(?: \([^)]*\))?$/.exec(message)?.[1] ?? [],
  );
  return rules.length === 0 ? "text" : [...new Set(rules)].join("; ");
}

function valueText(node: z.core.$ZodType): string {
  if (node instanceof z.ZodBoolean) return "`true`, `false`";
  if (node instanceof z.ZodNumber) return `${node.minValue} to ${node.maxValue}`;
  if (node instanceof z.ZodEnum) return node.options.map(code).join(", ");
  if (node instanceof z.ZodLiteral) return [...node.values].map(code).join(", ");
  if (node instanceof z.ZodArray) return `list of: ${valueText(node.element)}`;
  if (node instanceof z.ZodString) return textRule(node);
  throw new Error(
    `reference: found a key of kind ${node._zod.def.type}; need a kind that config/reference.ts describes; fix: add it to valueText`,
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
      const value = "list of the keys below";
      const each: Row = { key, value, fallback: fallbackText(found), meaning };
      return [each, ...rows(node.element, `${key}[]`)];
    }
    // The kinds of an image have a table each.
    if (node instanceof z.ZodDiscriminatedUnion) return [];
    if (meaning === "") {
      throw new Error(
        `reference: found no description of ${key}; need one; fix: add .describe() to it in config/schema.ts`,
      );
    }
    return [{ key, value: valueText(node), fallback: fallbackText(found), meaning, node }];
  });
}

/** Every value that the examples give a key such as `guests[].video.ramKiB`. */
function exampleValues(key: string): unknown[] {
  const steps = key.replaceAll("[]", ".[]").split(".");
  return steps.reduce<unknown[]>(
    (values, step) =>
      values.flatMap((value) => {
        if (step === "[]") return Array.isArray(value) ? (value as unknown[]) : [];
        const inner = (value as Record<string, unknown> | undefined)?.[step];
        return inner === undefined ? [] : [inner];
      }),
    [...EXAMPLES],
  );
}

/** e.g. `memoryMiB: 4096`; empty for an object, whose keys follow. Throws without an example. */
function exampleText({ key, node }: Row): string {
  // Two kinds of an image may have a key of one name.
  const value = exampleValues(key).find(
    (each) => node === undefined || z.safeParse(node, each).success,
  );
  if (value === undefined) {
    throw new Error(
      `reference: found no example of ${key}; need one; fix: add it to config/examples.ts`,
    );
  }
  if (typeof value === "object" && !Array.isArray(value)) return "";
  const text = `${key.split(".").at(-1) ?? key}: ${yamlText(value)}`;
  return `\`${text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text}\``;
}

/** A key or a digest is recognized by its beginning. */
const LONGEST = 72;

/** A value as YAML on one line: a plain word needs no quotes. */
function yamlText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${key}: ${yamlText(inner)}`)
      .join(", ")} }`;
  }
  const plain = typeof value === "string" && /^[A-Za-z/][A-Za-z0-9 ./_+@-]*$/.test(value);
  return plain ? value : JSON.stringify(value);
}

/** Text for a cell of a Markdown table. */
export const cell = (text: string): string => text.replaceAll("|", "\\|");

function table(title: string, body: readonly Row[]): string {
  return [
    `## ${title}`,
    "",
    "| key | value | default | example | meaning |",
    "|---|---|---|---|---|",
    ...body.map((r) => {
      const cells = [`\`${r.key}\``, r.value, r.fallback, exampleText(r), r.meaning];
      return `| ${cells.map(cell).join(" | ")} |`;
    }),
    "",
  ].join("\n");
}

/** One table for each kind of image. */
function imageTables(union: z.ZodDiscriminatedUnion, path: string, fallback: unknown): string[] {
  const preset = (fallback as { source?: string } | undefined)?.source;
  return union.options.map((option) => {
    if (!(option instanceof z.ZodObject)) throw new Error("reference: an image is not an object");
    const source = bare(option.shape.source as z.core.$ZodType);
    if (!(source.node instanceof z.ZodLiteral))
      throw new Error("reference: an image has no source");
    const value = String(source.node.value);
    const [is, ...keys] = rows(option, path);
    const first =
      is === undefined ? [] : [{ ...is, ...(value === preset ? { fallback: code(value) } : {}) }];
    return table(`\`${path}\`, source "${value}"`, [...first, ...keys]);
  });
}

/** The tables of the whole configuration. Throws where a key has no description or no example. */
export function configReference(): string {
  const host = bare(labSchema.shape.host).node;
  const guest = labSchema.shape.guests.element;
  const image = bare(guest.shape.image);
  if (!(host instanceof z.ZodObject) || !(image.node instanceof z.ZodDiscriminatedUnion))
    throw new Error("reference: host is not an object, or image not a choice");
  return [
    table("`mirlab:host`", rows(host, "host")),
    table("`mirlab:guests`", rows(guest, "guests[]")),
    ...imageTables(image.node, "guests[].image", image.fallback),
  ].join("\n");
}

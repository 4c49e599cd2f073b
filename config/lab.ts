/** Reads the configuration: reports all faults at once, and fills in defaults. Pure. */
import { parse } from "yaml";
import { z } from "zod";
import { crossFaults, helperFaults } from "./crossRules";
import { ConfigFault } from "./fault";
import { guestSchema, Lab, labSchema, outerSchema } from "./schema";
import { nearest } from "./nearest";
import { shortened, visible } from "../core/plainText";

export type LabResult =
  | { readonly lab: Lab; readonly faults: readonly [] }
  | { readonly lab: undefined; readonly faults: readonly ConfigFault[] };

/** Longest text of a fault, characters: keys and values may have any length. */
const FAULT_CHARS = 400;

/** Keys and values in a fault, on one line and safe for a terminal. */
const shownText = (text: string): string => shortened(visible(text), FAULT_CHARS);

/** Validates the raw values of the configuration keys (`host`, `guests`, and any unknown ones). */
export function readLab(raw: Record<string, unknown>): LabResult {
  const outer = outerSchema.safeParse(raw);
  // Each guest by itself: faults of one do not hide faults of another, or between them.
  const guests = (Array.isArray(raw.guests) ? raw.guests : []).map((guest) =>
    guestSchema.safeParse(guest),
  );
  const around = outer.error?.issues ?? [];
  const issues = [
    ...around.filter(({ code }) => code !== "unrecognized_keys"),
    ...guests.flatMap(({ error }, i) =>
      (error?.issues ?? []).map((issue) => ({ ...issue, path: ["guests", i, ...issue.path] })),
    ),
    ...around.filter(({ code }) => code === "unrecognized_keys"),
  ];
  const readable = guests.map(({ data }) => data);
  const faults = [
    ...issues.flatMap((issue) => toFaults(issue, raw)),
    ...crossFaults(readable),
    ...(outer.data === undefined ? [] : helperFaults(outer.data.host.buildCache)),
  ];
  if (outer.success && faults.length === 0) {
    const all = readable.filter((guest) => guest !== undefined);
    return { lab: { host: outer.data.host, guests: all }, faults: [] };
  }
  return {
    lab: undefined,
    faults: faults.map(({ path, reason }) => ({
      path: shownText(path),
      reason: shownText(reason),
    })),
  };
}

/**
 * The same for values in the engine's form: structured values are JSON, which YAML reads too; plain
 * words stay words.
 */
export function readLabTexts(texts: Readonly<Record<string, string>>): LabResult {
  const faults: ConfigFault[] = [];
  const values = Object.entries(texts).map(([key, text]) => {
    try {
      // Print no warnings: they concern YAML features that no key uses.
      return [key, parse(text, { logLevel: "error" }) as unknown];
    } catch (error) {
      const [line = ""] = (error as Error).message.split("\n");
      const reason = `found invalid YAML (${line.replace(/:$/, "")}); need YAML or JSON`;
      faults.push({ path: shownText(key), reason: shownText(reason) });
      return [key, undefined];
    }
  });
  // Do not report an unreadable key a second time as missing.
  return faults.length > 0
    ? { lab: undefined, faults }
    : readLab(Object.fromEntries(values) as Record<string, unknown>);
}

/** `["guests", 0, "name"]` -> `guests[0].name`. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

type Issue = z.core.$ZodIssue;

function toFaults(issue: Issue, raw: unknown): ConfigFault[] {
  const path = pathText(issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path, raw);
    return issue.keys.map((key) => {
      const guess = nearest(key, known);
      const hint =
        guess === undefined ? `known keys: ${known.join(", ")}` : `did you mean '${guess}'?`;
      return { path: pathText([...issue.path, key]), reason: `unknown key; ${hint}` };
    });
  }
  if (issue.code === "invalid_union") {
    return [
      {
        path: path.endsWith("source") ? path : `${path}.source`,
        reason: "need one of 'debian', 'ubuntu', 'url', 'iso', 'existing'",
      },
    ];
  }
  const value = issue.path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
    raw,
  );
  if (value === undefined && issue.code === "invalid_type") {
    return [{ path, reason: `missing; ${describeAt(issue.path, raw) ?? "set it"}` }];
  }
  const reason = reasonOf(issue.message, value);
  return [{ path, reason: `${reason}${guessed(issue, value)}` }];
}

/** The known word that is nearest to an unknown one, as a hint. */
function guessed(issue: Issue, value: unknown): string {
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const guess = nearest(value, issue.values.map(String));
  return guess === undefined ? "" : `; did you mean '${guess}'?`;
}

/** zod's names of types, in words. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ int: "a whole number", number: "a number", boolean: "true or false", string: "a text" },
  ...{ array: "a list", object: "an object" },
};

/** A rule (`use X`, or zod's `expected X`) becomes the need; another message is a whole sentence. */
function reasonOf(message: string, value: unknown): string {
  const rule = /^(?:\w+ \w+: )?(?:use|expected) (.*?)(?:, received \w+)?$/s.exec(message)?.[1];
  if (rule !== undefined) {
    const need = rule
      .replace(/^[a-z]+\b/, (type) => TYPES[type] ?? type)
      .replace(" to be ", " ")
      .replace(" to have ", " with ");
    return `found ${shownValue(value)}; need ${need}`;
  }
  const sentence = message.replace("; ", "; fix: ");
  return sentence.startsWith("'") ? sentence : `found ${shownValue(value)}: ${sentence}`;
}

/** The wrong value, short; never the content of an object, which may be a secret. */
function shownValue(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= 60 ? JSON.stringify(value) : `a text of ${value.length} characters`;
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** The schema node at a path, without its wrappers (default, optional). */
function schemaAt(path: readonly PropertyKey[], raw: unknown): z.core.$ZodType | undefined {
  let node: z.core.$ZodType | undefined = labSchema;
  let value: unknown = raw;
  for (const part of [...path, undefined]) {
    node = unwrap(node, value);
    if (part === undefined || node === undefined) return node;
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodObject)
      node = node.shape[String(part)] as z.core.$ZodType | undefined;
    else return undefined;
  }
  return node;
}

function unwrap(start: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  let node = start;
  while (
    node instanceof z.ZodDefault ||
    node instanceof z.ZodPrefault ||
    node instanceof z.ZodOptional
  ) {
    node = node.unwrap();
  }
  if (!(node instanceof z.ZodDiscriminatedUnion)) return node;
  const source = (value as { source?: unknown } | undefined)?.source;
  return node.options.find(
    (o) =>
      o instanceof z.ZodObject &&
      o.shape.source instanceof z.ZodLiteral &&
      o.shape.source.value === source,
  );
}

function knownKeys(path: readonly PropertyKey[], raw: unknown): string[] {
  const node = schemaAt(path, raw);
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

function describeAt(path: readonly PropertyKey[], raw: unknown): string | undefined {
  const node = schemaAt(path, raw);
  return node instanceof z.ZodType ? node.description : undefined;
}

/** Facts of any shape as rows of a table. Pure. */
import { shortened } from "../../core/plainText";

export type FactRow = readonly [path: string, value: string];

const MAX = { rows: 400, depth: 8, chars: 1000 } as const;

/** The text of a scalar; undefined for a list or record. */
function scalar(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "unknown";
  return typeof value === "object" ? undefined : JSON.stringify(value);
}

const all = (texts: readonly (string | undefined)[]): texts is readonly string[] =>
  !texts.includes(undefined);

/** The text of a list of scalars, or of a flat record in a list; undefined: it needs several rows. */
function inOneRow(value: object, inList: boolean): string | undefined {
  const entries = Object.entries(value);
  if (entries.length === 0) return "none";
  const texts = entries.map(([, inner]) => scalar(inner));
  if (!all(texts)) return undefined;
  if (Array.isArray(value)) return texts.join("\n");
  return inList ? entries.map(([key], i) => `${key}: ${texts[i]}`).join("\n") : undefined;
}

/** One row per value, in order; `cut`: the page cannot show all of them. */
export function factRows(facts: unknown): {
  readonly rows: readonly FactRow[];
  readonly cut: boolean;
} {
  const rows: FactRow[] = [];
  let cut = false;
  const add = (path: string, value: unknown, depth: number, inList: boolean): void => {
    if (rows.length >= MAX.rows || depth > MAX.depth) {
      cut = true;
      return;
    }
    const record = typeof value === "object" && value !== null ? value : undefined;
    const row = record === undefined ? scalar(value) : inOneRow(record, inList);
    if (record === undefined || row !== undefined) {
      const text = shortened(row ?? "unknown", MAX.chars);
      cut ||= text !== row;
      rows.push([shortened(path, MAX.chars), text]);
      return;
    }
    const list = Array.isArray(record);
    for (const [key, inner] of Object.entries(record) as [string, unknown][]) {
      const inside = path === "" ? key : `${path}.${key}`;
      add(list ? `${path}[${key}]` : inside, inner, depth + 1, list);
    }
  };
  if (facts !== null && facts !== undefined) add("", facts, 0, false);
  return { rows, cut };
}

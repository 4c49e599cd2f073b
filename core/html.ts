/** Builds HTML; only literals of this project become markup, all values are escaped. Pure. */
import { plainText } from "./plainText";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes any text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return plainText(text).replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}

/** Trusted markup; `markup` does not escape it. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | undefined | readonly Html[];

function textOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("\n");
  return escapeHtml(String(part));
}

/**
 * A template whose literals are markup and whose values are escaped, unless they are Html. Not
 * named `html`: prettier would reformat such templates, and blanks in a log are significant.
 */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.map((literal, i) => literal + textOf(parts[i])).join(""));
}

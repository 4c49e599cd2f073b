/** Builds HTML in which only this project's own words are markup. Pure. */
import { plainText } from "./plainText";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or a quoted attribute, whatever it holds. */
export function escapeHtml(text: string): string {
  return plainText(text).replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}

/** Markup of our own: the only thing that `markup` does not escape. */
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
 * A template whose literal text is markup and whose values are text, unless they are Html. Not named
 * `html`: prettier would lay such a template out, and blanks count in a log.
 */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(literals.map((literal, i) => literal + textOf(parts[i])).join(""));
}

/** Makes text from a guest safe to show: no control characters, bounded size. Pure. */

// Colours, cursor moves, window titles: CSI, then OSC, DCS, SOS, PM and APC up to their terminator,
// then the short ones. An unterminated sequence ends with its line.
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- terminals' control sequences are what is removed
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/g;

// eslint-disable-next-line no-control-regex -- control characters are what is removed
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g;

// Invisible characters that reverse the reading order or hide text: they are spelled out.
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

const codePoint = (char: string): string =>
  `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;

/** Printable text with line feeds and tabs; invisible characters are spelled out. */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(ESCAPES, "")
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(CONTROL, "")
    .replaceAll(INVISIBLE, codePoint);
}

// eslint-disable-next-line no-control-regex -- control characters are what is spelled out
const ALL_CONTROL = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g;

/** One line in which every character that cannot be shown is spelled out. */
export function visible(text: string): string {
  return text.toWellFormed().replaceAll(ALL_CONTROL, codePoint).replaceAll(INVISIBLE, codePoint);
}

/** At most `chars` characters of a text, with a note on how many are missing. */
export function shortened(text: string, chars: number): string {
  if (text.length <= chars) return text;
  return `${text.slice(0, chars).toWellFormed()} … (${text.length - chars} more characters)`;
}

/** The last line of a program's output, which often has the reason; empty for no output. */
export const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

/** The end of a text. */
export interface Tail {
  readonly text: string;
  /** Lines in `text`. */
  readonly lines: number;
  /** Earlier lines, or the rest of a long line, are missing. */
  readonly cut: boolean;
}

/** Longest line that is kept, characters: a register dump has 200. */
const LINE_CHARS = 2000;

/** The last lines of a log, as plain text, within both limits. */
export function tail(text: string, maxLines: number, maxChars: number): Tail {
  // Bounds the work on a huge log; 8 times, because removing escape sequences shortens the text.
  const end = plainText(text.slice(-8 * maxChars)).trimEnd();
  const all = end === "" ? [] : end.split("\n");
  const kept: string[] = [];
  let size = 0;
  let cut = text.length > 8 * maxChars;
  for (const line of all.toReversed()) {
    const short = shortened(line, LINE_CHARS);
    size += short.length + 1;
    if (kept.length === maxLines || size > maxChars) {
      cut = true;
      break;
    }
    cut ||= short !== line;
    kept.unshift(short);
  }
  return { text: kept.join("\n"), lines: kept.length, cut };
}

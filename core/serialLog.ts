/** Reads the serial console of a guest that does not answer. Pure. */

/** Messages after which a guest does not come up by itself. */
const DEADLY: readonly { readonly pattern: RegExp; readonly means: string }[] = [
  { pattern: /Kernel panic - not syncing: .*/, means: "a kernel panic" },
  { pattern: /You are in emergency mode/, means: "emergency mode" },
  { pattern: /Cannot open access to console, the root account is locked/, means: "emergency mode" },
  { pattern: /ALERT! .* does not exist\. {1,2}Dropping to a shell!/, means: "no root disk" },
  { pattern: /error: no such (?:device|partition): .*/, means: "a boot loader without its disk" },
];

/** `a kernel panic: Kernel panic - not syncing: VFS: ...`, or undefined. */
export function deadlySign(log: string): string | undefined {
  for (const line of log.split("\n").reverse()) {
    for (const { pattern, means } of DEADLY) {
      const words = pattern.exec(line)?.[0];
      if (words !== undefined) return `${means}: ${words.slice(0, 200)}`;
    }
  }
  return undefined;
}

/** The lines that a log has after those of an earlier look at it; all of them if those are not in it. */
export function linesSince(log: string, earlier: string): string {
  const known = earlier.trimEnd().slice(-500);
  const at = known === "" ? -1 : log.lastIndexOf(known);
  return at < 0 ? log : log.slice(at + known.length);
}

/** At most `count` lines of a log: those that end it, or those from its last fatal message on. */
export function tellingLines(log: string, count: number): string {
  const lines = log.trimEnd().split("\n");
  const sign = lines.findLastIndex((line) => deadlySign(line) !== undefined);
  const from = Math.max(0, sign < 0 ? lines.length - count : Math.min(sign, lines.length - count));
  return lines.slice(from, from + count).join("\n");
}

/** The log without cursor moves, colours and other control characters, safe for a terminal. */
export function plainConsole(log: string): string {
  // eslint-disable-next-line no-control-regex -- consoles send them
  return log.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

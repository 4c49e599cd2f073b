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

/** The log without cursor moves, colours and other control characters, safe for a terminal. */
export function plainConsole(log: string): string {
  // eslint-disable-next-line no-control-regex -- consoles send them
  return log.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** Quotes arguments for a POSIX shell: a remote command is one string. Pure. */

/** One word that any POSIX shell reads back as `text`. Throws on NUL. */
export function shellWord(text: string): string {
  if (text.includes("\0")) throw new Error("an argument must not contain NUL");
  // A first word `NAME=...` would be an assignment.
  const bare = /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) && !/^[A-Za-z_]\w*\+?=/.test(text);
  return bare ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line of quoted words. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

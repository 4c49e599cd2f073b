/** The form of every failure message. Pure. */

export interface Fault {
  /** What the failure is about: a check, a key, a guest, a file. */
  readonly what: string;
  readonly found: string;
  readonly need: string;
  /** What the reader has to do: a command to paste wherever there is one. */
  readonly fix?: string;
  /** A file or command that shows more. */
  readonly log?: string;
}

/** `mesa: found 10.1.3; need >= 10.3.0; fix: set guests[].mesa.source to "build"; log: build/mesa.log` */
export function faultText({ what, found, need, fix, log }: Fault): string {
  return [
    `${what}: found ${found}`,
    `need ${need}`,
    ...((fix ?? "") === "" ? [] : [`fix: ${fix}`]),
    ...((log ?? "") === "" ? [] : [`log: ${log}`]),
  ].join("; ");
}

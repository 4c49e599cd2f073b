/** The last lines of `lab up`: how to reach each guest. */

type GuestSummary = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** The stack's outputs. */
export interface StackOutputs {
  readonly guests?: Readonly<Record<string, GuestSummary>>;
}

const LINES: readonly (readonly [title: string, key: string])[] = [
  ["ready", "readiness"],
  ["ssh", "sshCommand"],
  ["screen", "viewerFile"],
  ["spice", "spiceUri"],
  ["picture", "screenshot"],
  ["report", "report"],
  ["share", "share"],
  ["versions", "versions"],
  ["runs on", "acceleration"],
];

/** One block a guest, from the stack's outputs as JSON. */
export function summary(outputs: StackOutputs): string {
  const text = (value: GuestSummary[string] | undefined): string =>
    typeof value === "object"
      ? Object.entries(value)
          .map(([name, version]) => `${name} ${version}`)
          .join(", ")
      : (value ?? "unknown");
  return Object.entries(outputs.guests ?? {})
    .map(([name, guest]) =>
      [name, ...LINES.map(([title, key]) => `  ${title.padEnd(9)}${text(guest[key])}`), ""].join(
        "\n",
      ),
    )
    .join("\n");
}

/** The last lines of `lab up`: how to reach each guest. */
import { readFileSync } from "node:fs";

type GuestSummary = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

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
export function summary(outputs: { guests?: Readonly<Record<string, GuestSummary>> }): string {
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

/** Reads the outputs from standard input and prints the summary. */
export function printSummary(): void {
  process.stdout.write(`\n${summary(JSON.parse(readFileSync(0, "utf8")) as { guests?: never })}`);
}

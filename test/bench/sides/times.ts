/** Seconds of each side's quiet preview, as a table. */
import { loadavg } from "node:os";
import { seconds, spread } from "../phases";
import { Side } from "./side";

/** Times quiet previews, the sides in turn; `goOn` throws to stop. */
export async function measureTime(
  sides: readonly Side[],
  rounds: number,
  goOn: () => void,
): Promise<string> {
  const times = new Map(sides.map((side) => [side, [] as number[]]));
  const loads: number[] = [];
  for (let round = 0; round < rounds; round++) {
    goOn();
    loads.push(loadavg()[0] ?? 0);
    // Another side is first in each round.
    const order = sides.map((_, i) => sides[(i + round) % sides.length]);
    for (const side of order) {
      if (side === undefined) continue;
      const begin = seconds();
      await side.quiet();
      times.get(side)?.push(seconds() - begin);
    }
  }
  return [
    "| side | version | command | seconds: median (least-most) |",
    "|---|---|---|---|",
    ...[...times].map(
      ([{ title, version, command }, all]) =>
        `| ${title} | ${version} | \`${command}\` | ${spread(all, 2)} |`,
    ),
    "",
    `${sides[0]?.domains.length ?? 0} domain(s), ${rounds} rounds, the sides in turn; load average ${spread(loads, 2)}.`,
  ].join("\n");
}

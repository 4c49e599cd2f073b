/** What a run of test:suites showed, kept in test/suites/runs.json, of which `npm run docs` writes docs/suites.md. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cell } from "../../config/reference";

/** One guest as it was tried. */
export interface Tried {
  readonly suite: string;
  readonly video: string;
  readonly platform: string;
  /** Kind and console, e.g. `demo, vt`. */
  readonly session: string;
  /** Day of the run, UTC. */
  readonly date: string;
  /** `ready`, or why not. */
  readonly outcome: string;
  /** e.g. `Linux 6.12.117, Mesa 25.0.7, Mir 2.20.2`; empty where no guest answered. */
  readonly versions: string;
  /** Acceleration, e.g. `tcg`. */
  readonly acceleration: string;
  /** Seconds of `up`, from the declaration to the picture. */
  readonly seconds: number;
  /** Mutations of the domain that a preview named and `up` healed, e.g. `42 of 42`; unset: not tried. */
  readonly drift?: string;
  /** Whether the image was built in it. */
  readonly imageBuilt: boolean;
}

const FILE = join(__dirname, "runs.json");
const key = ({ suite, video, platform, session }: Tried): string =>
  [suite, video, platform, session].join(" ");

const kept = (): Tried[] =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Tried[]) : [];

/** Keeps a row in place of the one of the same suite, video model, platform and session. */
export function keep(row: Tried): void {
  const at = kept().findIndex((other) => key(other) === key(row));
  const rows = at < 0 ? [...kept(), row] : kept().with(at, row);
  writeFileSync(FILE, `${JSON.stringify(rows, null, 2)}\n`);
}

/** The table of all rows that are kept. */
export function suitesTable(): string {
  const rows = kept().map((r) => {
    const image = r.imageBuilt ? ", its image built in it" : "";
    const words = [
      r.suite,
      r.video,
      r.platform,
      r.session,
      r.date,
      r.outcome,
      r.versions,
      r.acceleration,
    ];
    return `| ${[...words, `${r.seconds} s${image}`, r.drift ?? ""].map(cell).join(" | ")} |`;
  });
  return [
    "| suite | video | platform | session | day | outcome | versions | acceleration | `up` | drift |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

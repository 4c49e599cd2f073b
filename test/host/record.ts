/**
 * What a run of test:host showed. `--record` keeps it in test/host/runs, of which `npm run docs` writes the tables of
 * docs/tested.md.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { cell } from "../../config/reference";
import type { EmulatedHost } from "./machine";

/** One test of a run. */
export interface Part {
  readonly name: string;
  /** Day of the run, UTC: 2026-12-02. */
  readonly date: string;
  passed: boolean;
  /** What the test printed, line by line; how long its steps took among them. */
  readonly notes: string[];
}

export interface HostRun {
  readonly release: string;
  readonly way: string;
  /** Versions on the host of the last run: "libvirt-daemon 11.3.0-3", "linux 6.12.48+deb13-amd64". */
  readonly versions: readonly string[];
  readonly parts: readonly Part[];
}

export const RUNS = join(__dirname, "runs");

const WAYS: Readonly<Record<string, string>> = {
  ssh: "by `host.ssh`, user `admin` with password-free sudo",
  local: "on the host itself, user `op` with a sudo password, at a terminal",
};

// A run is one process, and its tests run one after the other.
let parts: Part[] = [];

/** As `it` of node:test; its outcome goes into the record. The first test creates the lab, which the others need. */
export function tried(name: string, test: () => Promise<void>): void {
  void it(name, async () => {
    const date = new Date().toISOString().slice(0, 10);
    const part: Part = { name, date, passed: false, notes: [] };
    const [first] = parts;
    parts.push(part);
    if (first !== undefined && !first.passed) {
      const why = "not tried: the first test failed";
      note(why);
      assert.fail(why);
    }
    await test();
    part.passed = true;
  });
}

/** Prints a line of the run's summary. */
export function note(line: string): void {
  console.log(`host: ${line}`);
  parts.at(-1)?.notes.push(line);
}

/** Runs it, and notes how long it took. */
export async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const started = Date.now();
  try {
    return await run();
  } finally {
    note(`${what}: ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
}

const PACKAGES = ["libvirt-daemon", "qemu-system-x86"];

const keptRun = (file: string): HostRun =>
  JSON.parse(readFileSync(join(RUNS, file), "utf8")) as HostRun;

/** The parts to keep after a run of some: the new ones replace those of the same name, the others stay. */
export function merged(kept: readonly Part[], run: readonly Part[]): Part[] {
  const now = new Map(run.map((part) => [part.name, part]));
  const before = kept.map((part) => now.get(part.name) ?? part);
  return [...new Set([...before, ...run])];
}

/** What dpkg-query and uname print on it; of a host that does not answer, nothing. */
async function versionsOf(host: EmulatedHost): Promise<string[]> {
  // A run that failed early has no package to ask for.
  const query = `echo "linux $(uname -r)"; dpkg-query -W -f '\${Package} \${Version}\\n' ${PACKAGES.join(" ")} || true`;
  try {
    return (await host.out("root", query)).split("\n");
  } catch {
    return [];
  }
}

/** Forgets the run before. */
export function startRun(): void {
  parts = [];
}

/**
 * Keeps what this run of a release and way showed so far, where MIRLAB_TEST_RECORD is set: its parts replace those of
 * the same name, so that a run that is cut short keeps what it has. The end of a whole run drops all others.
 */
export async function record(
  host: EmulatedHost,
  release: string,
  way: string,
  ended: boolean,
): Promise<void> {
  if (process.env.MIRLAB_TEST_RECORD === undefined || parts.length === 0) return;
  const file = `${release}-${way}.json`;
  const before = existsSync(join(RUNS, file)) ? keptRun(file) : undefined;
  const isWhole = ended && (process.env.MIRLAB_TEST_PARTS ?? "") === "";
  const now = await versionsOf(host);
  const versions = now.length > 0 ? now : (before?.versions ?? []);
  const kept = merged(isWhole ? [] : (before?.parts ?? []), parts);
  mkdirSync(RUNS, { recursive: true });
  const run: HostRun = { release, way, versions, parts: kept };
  writeFileSync(join(RUNS, file), `${JSON.stringify(run, null, 2)}\n`);
}

function table({ release, way, versions, parts: all }: HostRun): string {
  const command = `npm run test:host -- ${release} ${way} --record`;
  const rows = all.map(({ name, date, passed, notes }) => {
    return `| ${cell(name)} | ${date} | ${passed ? "passed" : "**failed**"} | ${cell(notes.join("; "))} |`;
  });
  const passed = all.filter((part) => part.passed).length;
  return [
    `**${release}, ${WAYS[way] ?? way}**: \`${command}\`, ${passed} of ${all.length}; ${versions.join(", ")}.`,
    "",
    ...["| test | day | outcome | printed |", "|---|---|---|---|", ...rows],
  ].join("\n");
}

/** The tables of all runs that are kept. */
export function runTables(): string {
  if (!existsSync(RUNS)) return "No run is kept yet.";
  return readdirSync(RUNS)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => table(keptRun(file)))
    .join("\n\n");
}

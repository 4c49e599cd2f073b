/**
 * What a run of test:host showed. `--record` keeps it in test/host/runs, of which `npm run docs` writes the tables of
 * docs/tested.md.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { EmulatedHost } from "./machine";

/** One test of a run. */
export interface Part {
  readonly name: string;
  passed: boolean;
  /** What took how long, in seconds, in order. */
  readonly seconds: [what: string, seconds: number][];
  /** Other lines that the test printed. */
  readonly notes: string[];
}

export interface HostRun {
  /** Day of the run's end, UTC: 2026-12-02. */
  readonly date: string;
  readonly release: string;
  readonly way: string;
  /** Versions on the host, by package; `linux` is its kernel. */
  readonly versions: Readonly<Record<string, string>>;
  readonly parts: readonly Part[];
}

export const RUNS = join(__dirname, "runs");

const WAYS: Readonly<Record<string, string>> = {
  ssh: "by `host.ssh`, user `admin` with password-free sudo",
  local: "on the host itself, user `op` with a sudo password, at a terminal",
};

// A run is one process, and its tests run one after the other.
let parts: Part[] = [];

/** As `it` of node:test; its outcome goes into the record. */
export function tried(name: string, test: () => Promise<void>): void {
  void it(name, async () => {
    const part: Part = { name, passed: false, seconds: [], notes: [] };
    parts.push(part);
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
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`host: ${what}: ${seconds} s`);
    parts.at(-1)?.seconds.push([what, seconds]);
  }
}

const PACKAGES = ["libvirt-daemon", "qemu-system-x86"];

/** Keeps the tests so far as a run of this release and way, where MIRLAB_TEST_RECORD says so, and starts anew. */
export async function record(host: EmulatedHost, release: string, way: string): Promise<void> {
  const run = parts;
  parts = [];
  if (process.env.MIRLAB_TEST_RECORD === undefined || run.length === 0) return;
  const query = `uname -r; dpkg-query -W -f '\${Version}\\n' ${PACKAGES.join(" ")}`;
  const [linux = "", ...versions] = (await host.out("root", query)).split("\n");
  const found = PACKAGES.map((name, i) => [name, versions[i] ?? ""] as const);
  const kept: HostRun = {
    ...{ date: new Date().toISOString().slice(0, 10), release, way },
    ...{ versions: { linux, ...Object.fromEntries(found) }, parts: run },
  };
  mkdirSync(RUNS, { recursive: true });
  writeFileSync(join(RUNS, `${release}-${way}.json`), `${JSON.stringify(kept, null, 2)}\n`);
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function table({ date, release, way, versions, parts: all }: HostRun): string {
  const command = `npm run test:host -- ${release} ${way} --record`;
  const facts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rows = all.map(({ name, passed, seconds, notes }) => {
    const lines = [...seconds.map(([what, s]) => `${what}: ${s} s`), ...notes];
    return `| ${cell(name)} | ${passed ? "passed" : "**failed**"} | ${cell(lines.join("; "))} |`;
  });
  const passed = all.filter((part) => part.passed).length;
  return [
    `**${release}, ${WAYS[way] ?? way}**, ${date}: \`${command}\`, ${passed} of ${all.length}; ${facts.join(", ")}; guest: Debian 12 under KVM, 1 CPU.`,
    "",
    ...["| test | outcome | printed |", "|---|---|---|", ...rows],
  ].join("\n");
}

/** The tables of all runs that are kept. */
export function runTables(): string {
  if (!existsSync(RUNS)) return "No run is kept yet.";
  return readdirSync(RUNS)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => table(JSON.parse(readFileSync(join(RUNS, file), "utf8")) as HostRun))
    .join("\n\n");
}

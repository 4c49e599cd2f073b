/**
 * The engine's cost, as ratios to the same steps without it. Run as root, on an idle machine.
 *   npm run bench -- [--rounds N] [--part up|preview|policy|build] [--suite SUITE]
 * 3 rounds, 5 for policy alone; a guest of trixie.
 * Without --part it runs all parts but `build`. Part policy needs no guest.
 * The sides take turns within a round. The table shows the machine's load: numbers from a busy
 * machine mean nothing.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SuiteName, suitesOf } from "../../config/suites";
import { run } from "../../core/exec.io";
import { BareRun } from "./bareRun";
import { BuildRun } from "./buildRun";
import { LabRun } from "./labRun";
import { addedRow, median, Phases, row } from "./phases";

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    part: { type: "string", default: "all" },
    suite: { type: "string", default: "trixie" },
  },
});
const SUITES = suitesOf("debian");
const PARTS = ["up", "preview", "policy", "build"];
const suite = SUITES.find((name) => name === values.suite);
const rounds = Number(values.rounds ?? (values.part === "policy" ? 5 : 3));
if (
  !Number.isInteger(rounds) ||
  rounds < 1 ||
  !["all", ...PARTS].includes(values.part) ||
  suite === undefined
) {
  console.error(
    `bench: found --rounds ${values.rounds ?? rounds} --part ${values.part} --suite ${values.suite}; ` +
      `need a count of 1 or more, one of ${PARTS.join(", ")}, all, and one of ${SUITES.join(", ")}`,
  );
  process.exit(2);
}

const say = (text: string): void => console.error(`bench: ${text}`);

/** Load before each round, without our own guests. */
const loads: number[] = [];

function reportLoad(): void {
  const load = loadavg()[0] ?? 0;
  loads.push(load);
  say(`load average ${load.toFixed(2)}`);
}

async function measureUp(lab: LabRun, of: SuiteName): Promise<string[]> {
  const bare = new BareRun(of);
  const sides: Record<"engine" | "bare", Phases[]> = { engine: [], bare: [] };
  try {
    for (let i = 0; i < rounds; i++) {
      reportLoad();
      // The order alternates: the caches that the first side fills must not help the same side each
      // time.
      const order = i % 2 === 0 ? (["engine", "bare"] as const) : (["bare", "engine"] as const);
      for (const side of order) {
        const runner = side === "engine" ? lab : bare;
        const phases = await runner.up();
        sides[side].push(phases);
        say(`round ${i + 1} of ${rounds}: ${side}: ${JSON.stringify(phases)}`);
        await runner.down();
      }
    }
  } finally {
    await bare.dispose();
  }
  const column = (side: Phases[], key: keyof Phases): number[] => side.map((p) => p[key]);
  const compare = (what: string, key: keyof Phases): string =>
    row(what, column(sides.engine, key), column(sides.bare, key));
  const overhead = sides.engine.map((p, i) => (p.total / (sides.bare[i]?.total ?? NaN) - 1) * 100);
  return [
    "| step | pulumi up, s | bare script, s | ratio | n |",
    "|---|---|---|---|---|",
    compare("image to frame (all)", "total"),
    compare("boot to login", "login"),
    compare("login to frame", "frame"),
    "",
    `Engine overhead: ${median(overhead).toFixed(1)} % of the bare script's time.`,
  ];
}

async function measurePreview(lab: LabRun): Promise<string[]> {
  await lab.up();
  const [full, empty, dynamic]: [number[], number[], number[]] = [[], [], []];
  // Not counted: the first pair fills the file cache.
  await lab.previews();
  for (let i = 0; i < rounds; i++) {
    reportLoad();
    const times = await lab.previews();
    full.push(times.lab);
    empty.push(times.empty);
    dynamic.push(times.dynamic);
  }
  await lab.down();
  return [
    "| preview without changes | first, s | second, s | ratio | n |",
    "|---|---|---|---|---|",
    row("this lab, an empty program", full, empty),
    row("one dynamic resource with a refresh, an empty program", dynamic, empty),
    row("this lab, one dynamic resource with a refresh", full, dynamic),
  ];
}

/** Objects of a kernel: the gain by the host's results, and the cost of the guest. */
async function measureBuild(lab: LabRun): Promise<string[]> {
  await lab.up();
  const bench = new BuildRun(lab.guest);
  await bench.init();
  reportLoad();
  const work = mkdtempSync(join(tmpdir(), "mirlab-bench-"));
  const native = await bench.natively(rounds, work).finally(() => {
    rmSync(work, { recursive: true, force: true });
  });
  say(`natively: ${JSON.stringify(native)}`);
  reportLoad();
  const guest = await bench.inGuest(rounds);
  await lab.down();
  return [
    "| objects of a kernel | first, s | second, s | ratio | n |",
    "|---|---|---|---|---|",
    row("in the guest: with the host's results, without", guest.warm, guest.cold),
    row("natively: with results, without", native.warm, native.cold),
    row("without results: in the guest, natively", guest.cold, native.cold),
  ];
}

const LIBVIRTD = ["bash", "scripts/host/libvirtd.sh"];

/**
 * The policies' share of a preview's time. The lab does not exist: every resource is declared and
 * judged, and no guest's answer is timed. libvirt runs: without it more inputs would be unknown,
 * and not judged.
 */
async function measurePolicy(lab: LabRun): Promise<string[]> {
  const running = (await run([...LIBVIRTD, "status"])).stdout.toString().startsWith("running");
  const started = await run([...LIBVIRTD, "start"]);
  if (started.code !== 0) throw new Error(`libvirtd: ${started.stderr}`);
  const [full, bare]: [number[], number[]] = [[], []];
  try {
    // Not counted: the first pair fills the file cache, and transpiles the pack.
    await lab.guarded(true);
    for (let i = 0; i < rounds; i++) {
      reportLoad();
      const times = await lab.guarded(i % 2 === 0);
      say(`round ${i + 1} of ${rounds}: policies: ${JSON.stringify(times)}`);
      full.push(times.full);
      bare.push(times.bare);
    }
  } finally {
    if (!running) await run([...LIBVIRTD, "stop"]);
  }
  return [
    "| step | with the policies, s | without, s | difference, s | ratio | n |",
    "|---|---|---|---|---|---|",
    addedRow("preview of a lab that does not exist", full, bare),
  ];
}

async function main(of: SuiteName): Promise<void> {
  const lab = new LabRun(of);
  const tables: string[][] = [];
  try {
    await lab.init();
    const wanted = (part: string): boolean => ["all", part].includes(values.part);
    // First, while nothing of the lab exists.
    if (wanted("policy")) tables.push(await measurePolicy(lab));
    if (wanted("up")) tables.push(await measureUp(lab, of));
    if (wanted("preview")) tables.push(await measurePreview(lab));
    if (values.part === "build") tables.push(await measureBuild(lab));
  } finally {
    await lab.dispose();
  }
  const load = `${Math.min(...loads).toFixed(2)} to ${Math.max(...loads).toFixed(2)}`;
  const note = `Median (least-most); load average before each round: ${load}.`;
  console.log([...tables.flatMap((table) => [...table, ""]), note].join("\n"));
}

main(suite).catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});

/**
 * The drift matrix: each mutation is made with an ordinary tool, a preview has to name it, `up` has
 * to heal it, and the next preview has to be silent.
 *
 *   run.ts [--together] [--part host|domain|guest] [--only ID,ID] [--quiet-previews N] [--lab STACK]
 *
 * --together makes all mutations that do not get in each other's way before one preview and one `up`.
 * --lab takes a converged stack that is there (MIRLAB_HOME names its home); else a lab is made.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run } from "../../core/exec.io";
import { mirlabHome } from "../../core/paths";
import { labOfFile } from "../../config/stackFile.io";
import { ROOT, TestLab } from "../integration/support";

export interface Mutation {
  readonly id: string;
  /** Words that the preview has to say; `$NAMES` of the environment are filled in. */
  readonly item: string;
  /** Text for bash, or text with its arguments. It sees DATA, STACK, GUEST, IMAGE, DISK, CACHE, SSH_PORT, GUEST_SSH. */
  readonly mutate: string | readonly [text: string, ...args: string[]];
  /** `up` has to fail on it and say what to do; `restore` undoes it. */
  readonly refused?: boolean;
  /** Puts right what `up` is not to heal, or takes for right: run after it. */
  readonly restore?: string;
  /** Text for bash: where it fails the mutation is skipped. */
  readonly guard?: string;
  /** Healed by `bin/lab up`, not by the engine alone. */
  readonly byVerb?: boolean;
  /** Never made together with others. */
  readonly apart?: boolean;
  /** Made together only with those of the same number: two edits of one field hide each other. @default 0 */
  readonly batch?: number;
}

/** A converged lab that the mutations are made in. */
export interface DriftLab {
  pulumi(...args: string[]): Promise<{ readonly code: number; readonly text: string }>;
  /** `bin/lab up` on it. */
  up(): Promise<{ readonly code: number; readonly text: string }>;
  readonly env: Readonly<Record<string, string>>;
}

interface Counts {
  tried: number;
  seen: number;
  healed: number;
  previews: number;
  falseAlarms: number;
  readonly seconds: number[];
}

const bash = (lab: DriftLab, text: string, args: readonly string[] = []) =>
  run(["bash", "-c", text, "mutation", ...args], { env: lab.env, timeoutMs: 300_000 });

const filled = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$([A-Z_]+)/g, (whole, name: string) => env[name] ?? whole);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What a preview says: its lines to the person, and whether it would change anything. */
async function preview(lab: DriftLab, counts: Counts): Promise<{ lines: string; quiet: boolean }> {
  const started = Date.now();
  const { text } = await lab.pulumi("preview", "--json", "--non-interactive");
  counts.seconds.push((Date.now() - started) / 1000);
  const told = JSON.parse(text.slice(text.indexOf("{"))) as {
    changeSummary?: Record<string, number>;
    diagnostics?: { message: string }[];
  };
  const changes = Object.keys(told.changeSummary ?? { unknown: 1 }).filter((op) => op !== "same");
  const lines = (told.diagnostics ?? []).map((d) => d.message.trim()).join("\n");
  return { lines, quiet: changes.length === 0 && lines === "" };
}

async function quietPreview(lab: DriftLab, counts: Counts): Promise<boolean> {
  const { lines, quiet } = await preview(lab, counts);
  counts.previews++;
  if (quiet) return true;
  counts.falseAlarms++;
  say(`  false alarm: ${lines || "changes without words"}`);
  return false;
}

/** Makes the mutations, and goes round: preview, up, preview. */
async function round(lab: DriftLab, all: readonly Mutation[], counts: Counts): Promise<void> {
  const made: Mutation[] = [];
  for (const mutation of all) {
    if (mutation.guard !== undefined && (await bash(lab, mutation.guard)).code !== 0) {
      say(`${mutation.id}: skipped: its guard says that it would hurt others here`);
      continue;
    }
    const [text, ...args] =
      typeof mutation.mutate === "string" ? [mutation.mutate] : mutation.mutate;
    const done = await bash(lab, text, args);
    counts.tried += 1;
    if (done.code === 0) made.push(mutation);
    else say(`${mutation.id}: NOT MADE: ${done.stderr.trim()}`);
  }
  if (made.length === 0) return;
  const { lines } = await preview(lab, counts);
  const seen = made.filter(({ item }) => lines.includes(filled(item, lab.env)));
  counts.seen += seen.length;
  const up = made.some((m) => m.byVerb)
    ? await lab.up()
    : await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
  const refused = made.some((m) => m.refused);
  let fine = refused ? up.code !== 0 : up.code === 0;
  if (refused) {
    for (const { restore } of made) await bash(lab, restore ?? "true");
    // The engine asks again for what has failed.
    fine &&= (await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive")).code === 0;
  }
  const quiet = fine && (await quietPreview(lab, counts));
  if (quiet) counts.healed += made.length;
  for (const { id, item } of made) {
    const named = seen.some((m) => m.id === id);
    say(
      `${id}: ${named ? "seen" : `NOT SEEN (${filled(item, lab.env)})`}, ${quiet ? (refused ? "refused" : "healed") : "NOT HEALED"}`,
    );
  }
  if (seen.length < made.length) say(`  the preview said:\n${lines}`);
  if (!fine) say(`  up said:\n${up.text.slice(-2000)}`);
  const accepted = made.filter((m) => m.restore !== undefined);
  if (refused || accepted.length === 0) return;
  // `up` took them for right: what was there before is a difference now, and is taken again.
  for (const { restore } of accepted) await bash(lab, restore ?? "true");
  await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
}

/** Runs the mutations in the lab; prints and gives the counts. */
export async function driftMatrix(
  lab: DriftLab,
  mutations: readonly Mutation[],
  options: { readonly together: boolean; readonly quietPreviews: number },
): Promise<Counts> {
  const counts: Counts = {
    ...{ tried: 0, seen: 0, healed: 0, previews: 0, falseAlarms: 0 },
    seconds: [],
  };
  for (let i = 0; i < options.quietPreviews; i++) await quietPreview(lab, counts);
  const joined = (m: Mutation): boolean =>
    options.together && m.apart !== true && m.refused !== true && m.byVerb !== true;
  const batches = new Set(mutations.map(({ batch = 0 }) => batch));
  for (const number of batches) {
    await round(
      lab,
      mutations.filter((m) => joined(m) && (m.batch ?? 0) === number),
      counts,
    );
  }
  for (const mutation of mutations.filter((m) => !joined(m))) await round(lab, [mutation], counts);
  const { tried, seen, healed, previews, falseAlarms, seconds } = counts;
  const median = [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0;
  say(
    `seen ${seen}/${tried}, healed ${healed}/${tried}, false alarms ${falseAlarms} of ${previews}, ${median.toFixed(1)} s per preview`,
  );
  return counts;
}

/** A stack that is there, and converged; with a home of its own or that of the environment. */
export async function driftLab(stack: string, home?: string): Promise<DriftLab> {
  const env = {
    ...{ MIRLAB_STACK: stack, CI: "true" },
    ...(home === undefined ? {} : { MIRLAB_HOME: home }),
  };
  const command = async (argv: string[]) => {
    const ended = await run(argv, { env, timeoutMs: 1_800_000 });
    return { code: ended.code, text: ended.stdout.toString() + ended.stderr };
  };
  return withDisk({
    pulumi: (...args) => command([join(ROOT, "bin", "pulumi"), ...args, "--stack", stack]),
    up: () => command([join(ROOT, "bin", "lab"), "up", "--skip-preview", "--non-interactive"]),
    env: environment(stack, home),
  });
}

/** What mutations are told of the lab. */
function environment(stack: string, home = mirlabHome()): Record<string, string> {
  const { lab } = labOfFile(join(ROOT, `Pulumi.${stack}.yaml`));
  const guest = lab?.guests[0]?.name ?? "";
  const data = lab?.host.dataDir ?? "";
  const env = { DATA: data, STACK: stack, GUEST: guest, CACHE: lab?.host.cacheDir ?? "" };
  const reserved = `${data}/ports/${stack}.${guest}`;
  const ports = existsSync(reserved) ? readFileSync(reserved, "utf8").trim().split(" ") : [];
  const ssh = `ssh -F ${join(home, "labs", stack, guest, "ssh_config")} mirlab-${stack}-${guest}`;
  return { ...env, SSH_PORT: ports[0] ?? "", GUEST_SSH: ssh };
}

/** The guest's disk and the image below it, as libvirt and QEMU tell them. */
async function withDisk(lab: DriftLab): Promise<DriftLab> {
  const found = await bash(
    lab,
    `disk=$(virsh --connect qemu:///system domblklist "mirlab-$STACK-$GUEST" | awk '$1 == "vda" { print $2 }')
     printf '%s\\n' "$disk"
     qemu-img info -U "$disk" | sed -n 's/^backing file: //p'`,
  );
  const [disk = "", image = ""] = found.stdout.toString().split("\n");
  return { ...lab, env: { ...lab.env, DISK: disk, IMAGE: image } };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      together: { type: "boolean", default: false },
      part: { type: "string" },
      only: { type: "string" },
      "quiet-previews": { type: "string", default: "10" },
      lab: { type: "string" },
    },
  });
  const { MUTATIONS } = await import("./mutations");
  const only = values.only?.split(",");
  const mutations = Object.entries(MUTATIONS)
    .filter(([part]) => values.part === undefined || values.part === part)
    // Each part by itself: a guest whose forward is gone takes no more edits.
    .flatMap(([, list], part) => list.map((m) => ({ ...m, batch: (m.batch ?? 0) + 100 * part })))
    .filter((m) => only?.includes(m.id) ?? true);
  if (mutations.length === 0)
    throw new Error(`found no mutation of that name, required one of test/drift`);
  const options = { together: values.together, quietPreviews: Number(values["quiet-previews"]) };
  if (values.lab !== undefined) {
    const counts = await driftMatrix(await driftLab(values.lab), mutations, options);
    process.exitCode = good(counts) ? 0 : 1;
    return;
  }
  const stack = "drifttest";
  const made = new TestLab({ stack, guests: [{ name: "mir" }] });
  try {
    await made.init();
    const up = await made.pulumi("up", "--yes", "--skip-preview");
    if (up.code !== 0) throw new Error(up.text);
    const counts = await driftMatrix(await driftLab(stack, made.home), mutations, options);
    process.exitCode = good(counts) ? 0 : 1;
  } finally {
    await made.dispose();
  }
}

const good = ({ tried, seen, healed, falseAlarms }: Counts): boolean =>
  tried > 0 && seen === tried && healed === tried && falseAlarms === 0;

if (require.main === module) void main();

/**
 * The drift matrix: applies each mutation with an ordinary tool; then a preview has to name it,
 * `up` has to heal it, and the next preview has to be silent.
 *
 *   run.ts [--together] [--part host|domain|guest] [--only ID,ID] [--quiet-previews N] [--lab STACK]
 *
 * --together applies all mutations that do not interfere before one preview and one `up`.
 * --lab uses an existing converged stack (MIRLAB_HOME names its home); without it the run creates a
 * lab.
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
  /** Text that the preview has to print, with `$NAMES` of the environment. */
  readonly item: string;
  /**
   * Text for bash, or text with arguments. Environment: DATA, STACK, GUEST, IMAGE, DISK, CACHE,
   * SSH_PORT, SSH_CONFIG, SSH_ALIAS, and the function guest_ssh.
   */
  readonly mutate: string | readonly [text: string, ...args: string[]];
  /** `up` has to fail with a fix; `restore` undoes the mutation. */
  readonly refused?: boolean;
  /** Undoes a mutation that `up` refuses or records as intended; runs after `up`. */
  readonly restore?: string;
  /** Text for bash: if it fails, the mutation is skipped. */
  readonly guard?: string;
  /** Healed by `bin/lab up`, not by the engine alone. */
  readonly byVerb?: boolean;
  /** Never applied together with others. */
  readonly apart?: boolean;
  /**
   * Applied together only with mutations of the same number: two edits of one field hide each
   * other. @default 0
   */
  readonly batch?: number;
}

/** A converged lab for the mutations. */
export interface DriftLab {
  pulumi(...args: string[]): Promise<{ readonly code: number; readonly text: string }>;
  /** Runs `bin/lab up`. */
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

/** The lab's login to the guest, for mutations. */
const GUEST_SSH = 'guest_ssh() { ssh -F "$SSH_CONFIG" "$SSH_ALIAS" "$@"; }';

const bash = (lab: DriftLab, text: string, args: readonly string[] = []) =>
  run(["bash", "-c", `${GUEST_SSH}\n${text}`, "mutation", ...args], {
    env: lab.env,
    timeoutMs: 300_000,
  });

const filled = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$([A-Z_]+)/g, (whole, name: string) => env[name] ?? whole);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A preview's messages, and whether it is quiet: no change and no message. */
async function preview(lab: DriftLab, counts: Counts): Promise<{ lines: string; quiet: boolean }> {
  const started = Date.now();
  const { text } = await lab.pulumi("preview", "--json", "--non-interactive");
  counts.seconds.push((Date.now() - started) / 1000);
  const answer = JSON.parse(text.slice(text.indexOf("{"))) as {
    changeSummary?: Record<string, number>;
    diagnostics?: { message: string }[];
  };
  const changes = Object.keys(answer.changeSummary ?? { unknown: 1 }).filter((op) => op !== "same");
  const lines = (answer.diagnostics ?? []).map((d) => d.message.trim()).join("\n");
  return { lines, quiet: changes.length === 0 && lines === "" };
}

async function quietPreview(lab: DriftLab, counts: Counts): Promise<boolean> {
  const { lines, quiet } = await preview(lab, counts);
  counts.previews++;
  if (quiet) return true;
  counts.falseAlarms++;
  say(`  false alarm: ${lines || "changes without a message"}`);
  return false;
}

/** Applies the mutations, then runs preview, up and preview. */
async function round(lab: DriftLab, all: readonly Mutation[], counts: Counts): Promise<void> {
  const applied: Mutation[] = [];
  for (const mutation of all) {
    if (mutation.guard !== undefined && (await bash(lab, mutation.guard)).code !== 0) {
      say(`${mutation.id}: skipped: its guard failed, it could harm others on this host`);
      continue;
    }
    const [text, ...args] =
      typeof mutation.mutate === "string" ? [mutation.mutate] : mutation.mutate;
    const done = await bash(lab, text, args);
    counts.tried += 1;
    if (done.code === 0) applied.push(mutation);
    else say(`${mutation.id}: NOT APPLIED: ${done.stderr.trim()}`);
  }
  if (applied.length === 0) return;
  const { lines } = await preview(lab, counts);
  const seen = applied.filter(({ item }) => lines.includes(filled(item, lab.env)));
  counts.seen += seen.length;
  const up = applied.some((m) => m.byVerb)
    ? await lab.up()
    : await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
  const refused = applied.some((m) => m.refused);
  let fine = refused ? up.code !== 0 : up.code === 0;
  if (refused) {
    for (const { restore } of applied) await bash(lab, restore ?? "true");
    // The next `up` retries what has failed.
    fine &&= (await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive")).code === 0;
  }
  const quiet = fine && (await quietPreview(lab, counts));
  if (quiet) counts.healed += applied.length;
  for (const { id, item } of applied) {
    const named = seen.some((m) => m.id === id);
    say(
      `${id}: ${named ? "seen" : `NOT SEEN (${filled(item, lab.env)})`}, ${quiet ? (refused ? "refused" : "healed") : "NOT HEALED"}`,
    );
  }
  if (seen.length < applied.length) say(`  the preview printed:\n${lines}`);
  if (!fine) say(`  up printed:\n${up.text.slice(-2000)}`);
  const accepted = applied.filter((m) => m.restore !== undefined);
  if (refused || accepted.length === 0) return;
  // `up` has recorded these as intended. Restore them; one more `up` records the restored state.
  for (const { restore } of accepted) await bash(lab, restore ?? "true");
  await lab.pulumi("up", "--yes", "--skip-preview", "--non-interactive");
}

/** Runs the mutations in the lab; prints and returns the counts. */
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

/** An existing, converged stack, with this MIRLAB_HOME or that of the environment. */
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

/** The environment of the mutations. */
function environment(stack: string, home = mirlabHome()): Record<string, string> {
  const { lab } = labOfFile(join(ROOT, `Pulumi.${stack}.yaml`));
  const guest = lab?.guests[0]?.name ?? "";
  const data = lab?.host.dataDir ?? "";
  const env = { DATA: data, STACK: stack, GUEST: guest, CACHE: lab?.host.cacheDir ?? "" };
  const reserved = `${data}/ports/${stack}.${guest}`;
  const ports = existsSync(reserved) ? readFileSync(reserved, "utf8").trim().split(" ") : [];
  return {
    ...{ ...env, SSH_PORT: ports[0] ?? "", SSH_ALIAS: `mirlab-${stack}-${guest}` },
    SSH_CONFIG: join(home, "labs", stack, guest, "ssh_config"),
  };
}

/** Adds the guest's disk and its backing file to the environment, from libvirt and QEMU. */
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
    // Each part separately: a guest without its forward cannot be edited over ssh.
    .flatMap(([, list], part) => list.map((m) => ({ ...m, batch: (m.batch ?? 0) + 100 * part })))
    .filter((m) => only?.includes(m.id) ?? true);
  if (mutations.length === 0)
    throw new Error(
      `drift: found no mutation for --part ${values.part ?? ""} --only ${values.only ?? ""}; need one of test/drift`,
    );
  const options = { together: values.together, quietPreviews: Number(values["quiet-previews"]) };
  if (values.lab !== undefined) {
    const counts = await driftMatrix(await driftLab(values.lab), mutations, options);
    process.exitCode = good(counts) ? 0 : 1;
    return;
  }
  const stack = "drifttest";
  const created = new TestLab({ stack, guests: [{ name: "mir" }] });
  try {
    await created.init();
    const up = await created.pulumi("up", "--yes", "--skip-preview");
    if (up.code !== 0) throw new Error(up.text);
    const counts = await driftMatrix(await driftLab(stack, created.home), mutations, options);
    process.exitCode = good(counts) ? 0 : 1;
  } finally {
    await created.dispose();
  }
}

const good = ({ tried, seen, healed, falseAlarms }: Counts): boolean =>
  tried > 0 && seen === tried && healed === tried && falseAlarms === 0;

if (require.main === module) void main();

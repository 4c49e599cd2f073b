/** What is built in a guest: what makes one build another, what it takes, how its scripts are told. Pure. */
import { createHash } from "node:crypto";
import { BuildCache, BuildSource } from "../../config/buildSchema";
import { Acceleration } from "../../core/limits";

export type BuildKind = "kernel" | "mesa";

/** A build with everything that it is made from but the source itself. */
export interface BuildOrder {
  readonly kind: BuildKind;
  readonly source: BuildSource;
  /** What it is configured from; of a kernel `tiny`, `running` or `defconfig`, of a Mesa its renderer. */
  readonly base: string;
  /** Of base `running`: SHA-256 of what the guest's own kernel was recorded as; unset: not yet. */
  readonly basis?: string | undefined;
  /** Settings on top, in this order, by content. */
  readonly fragments: readonly { readonly name: string; readonly text: string }[];
  readonly patches: readonly { readonly file: string; readonly sha256: string }[];
  /** Unset: as many as the guest has virtual CPUs. */
  readonly jobs?: number | undefined;
  /** SHA-256 of this project's recipe: another recipe makes another thing. */
  readonly recipe: string;
}

/** Where builds are prepared and kept. */
export interface BuildPlace extends BuildCache {
  readonly cacheDir: string;
  /** Finished packages are shared among the guests of one lab alone. */
  readonly lab: string;
  readonly vcpus: number;
}

/** The source as its scripts read it: never where a file lies, where its content says enough. */
function sourceWords({ package: name, suite, url, sha256, git, commit }: BuildSource): string[] {
  if (name !== undefined) return ["package", name, suite ?? ""];
  if (url !== undefined) return ["url", sha256 ?? "", url];
  return ["git", git ?? "", commit ?? ""];
}

/** What makes one build another: content alone. How fast it is made, and where from, is none of it. */
export function buildIdentity({
  kind,
  source,
  base,
  basis,
  fragments,
  patches,
  recipe,
}: BuildOrder): string {
  const { package: name, suite, sha256, commit } = source;
  const from = name === undefined ? (sha256 ?? commit) : `${name} ${suite}`;
  const texts = fragments.map(({ text }) => text);
  const sums = patches.map((patch) => patch.sha256);
  const below = basis === undefined ? base : `${base} ${basis}`;
  const what = [kind, from, below, texts, sums, recipe];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

/** e.g. `linux 6.12 (linux-source-6.12 of bookworm-security)` */
export function buildWords({ kind, source }: BuildOrder): string {
  const what = kind === "kernel" ? "linux" : kind;
  const { package: name, suite, url, git, commit = "" } = source;
  if (name !== undefined) {
    const version = /^linux-source-(.+)$/.exec(name)?.[1];
    return `${what}${version === undefined ? "" : ` ${version}`} (${name} of ${suite})`;
  }
  if (url !== undefined) return `${what} (${url.split("/").at(-1)})`;
  return `${what} (commit ${commit.slice(0, 12)} of ${git})`;
}

/**
 * MiB that a build takes in its guest. Measured, memory with its page cache (docs/builds.md): of
 * `kernel tiny` 620 of disk and 601 of memory, of `kernel running` 1521 and 1268. The others are
 * estimated from the sizes of objects made natively.
 */
const NEEDS: Readonly<Record<string, { readonly disk: number; readonly memory: number }>> = {
  "kernel tiny": { disk: 1000, memory: 900 },
  "kernel running": { disk: 2500, memory: 1800 },
  "kernel defconfig": { disk: 4000, memory: 1800 },
  "mesa softpipe": { disk: 2000, memory: 1800 },
  "mesa llvmpipe": { disk: 3000, memory: 1800 },
};

export function buildNeeds({ kind, base }: BuildOrder): { disk: number; memory: number } {
  return NEEDS[`${kind} ${base}`] ?? { disk: 4000, memory: 1800 };
}

/** Whether the host compiles natively first: where the guest's own compiler would take hours, or others help. */
export function isWarm({ warm, distcc }: BuildPlace, acceleration: Acceleration): boolean {
  return warm === "always" || (warm === "auto" && (acceleration === "tcg" || distcc.length > 0));
}

/** How fast a guest gets at a kernel or a Mesa: by itself, after its host, or emulated and alone. */
export type Pace = "kvm" | "tcg after its host" | "tcg alone";

export function paceOf(place: BuildPlace | undefined, acceleration: Acceleration): Pace {
  if (acceleration === "kvm") return "kvm";
  return place === undefined || isWarm(place, acceleration) ? "tcg after its host" : "tcg alone";
}

/** Compiler cache of a guest, MiB. */
export const GUEST_CACHE_MIB = 500;

export interface BuildFile {
  readonly name: string;
  readonly data: string | Buffer;
}

/** Name of a fragment or patch by its place. */
export const fileNumber = (i: number): string => String(i).padStart(2, "0");

/** The file `spec`: lines `KEY VALUE`. `needs`: symbols without which the guest would not do. */
export function specText(order: BuildOrder, needs: readonly string[]): string {
  const { kind, source, base, fragments, patches } = order;
  const name = (path: string): string => path.split("/").at(-1) ?? "";
  const lines = [
    `kind ${kind}`,
    `source ${sourceWords(source).join(" ")}`,
    `base ${base}`,
    `suffix -mirlab-${buildIdentity(order).slice(0, 8)}`,
    ...needs.map((symbol) => `need ${symbol}`),
    ...fragments.map((f, i) => `fragment ${fileNumber(i)} ${name(f.name)}`),
    ...patches.map((p, i) => `patch ${fileNumber(i)} ${p.sha256} ${name(p.file)}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** What the host has prepared. */
export interface Prepared {
  readonly release: string;
  /** Steps of the compile: as the native one took, or as a dry run counts them; 0: not known. */
  readonly steps: number;
  /** SHA-256 of the files that the guest gets. */
  readonly input: string;
  readonly tools: string;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Reads the manifest of scripts/host/build.sh; throws when it is none. */
export function readPrepared(text: string): Prepared {
  const value = (key: string): string =>
    new RegExp(`^${key} (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const [input = "", tools = ""] = [value("input"), value("tools")].map((v) => v.split(" ")[0]);
  const release = value("release");
  if (!SHA256.test(input) || !SHA256.test(tools) || !/^[A-Za-z0-9.+~_-]{1,90}$/.test(release)) {
    throw new Error("build: found no manifest in the host's answer, required one; run 'up' again");
  }
  return { release, steps: Number(/^\d{1,7}$/.exec(value("steps"))?.[0] ?? 0), input, tools };
}

const STATES = ["none", "running", "done", "failed", "oom"] as const;

export interface BuildState {
  readonly state: (typeof STATES)[number];
  readonly identity: string;
  readonly steps: number;
  readonly seconds: number;
  readonly phase: string;
}

/** Reads `build.sh state`: a guest's words, so anything may come. */
export function readBuildState(text: string): BuildState {
  const form = /^([a-z]{2,7}) (-|[0-9a-f]{64}) (\d{1,7}) (\d{1,8}) ?([a-z]{0,20})$/;
  const [, word, identity = "", steps, seconds, phase = ""] = form.exec(text.trim()) ?? [];
  const state = STATES.find((known) => known === word);
  if (state === undefined) throw new Error("build: the guest's answer is not a build's state");
  return { state, identity, steps: Number(steps), seconds: Number(seconds), phase };
}

/** One line of progress. */
export function progressText({ steps, seconds, phase }: BuildState, total: number): string {
  // A dry run's count lacks the last few.
  const of = total > 0 && total >= steps ? ` of ${total}` : "";
  return `${phase === "" ? "starting" : phase}: ${steps}${of} steps; ${seconds} s`;
}

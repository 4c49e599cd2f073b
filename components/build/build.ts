/** Builds in a guest: their identity, their needs, and the input and output of their scripts. Pure. */
import { createHash } from "node:crypto";
import { BuildCache, BuildSource } from "../../config/buildSchema";
import { Acceleration } from "../../core/limits";

export type BuildKind = "kernel" | "mesa";

/** Everything that defines a build, except the content of the source. */
export interface BuildOrder {
  readonly kind: BuildKind;
  readonly source: BuildSource;
  /** A kernel's base configuration (`tiny`, `running`, `defconfig`), or a Mesa's renderer. */
  readonly base: string;
  /**
   * Base `running`: SHA-256 of the recorded configuration of the guest's kernel; unset: not
   * recorded.
   */
  readonly basis?: string | undefined;
  /** Settings on top of the base, in this order. */
  readonly fragments: readonly { readonly name: string; readonly text: string }[];
  readonly patches: readonly { readonly file: string; readonly sha256: string }[];
  /** Suite whose libraries the result is linked with: the guest's. Unset: none, as of a kernel. */
  readonly libraries?: string | undefined;
  /** Unset: one per virtual CPU of the guest. */
  readonly jobs?: number | undefined;
  /** SHA-256 of this project's recipe: a changed recipe changes the result. */
  readonly recipe: string;
}

/** Where the host prepares and stores builds. */
export interface BuildPlace extends BuildCache {
  readonly cacheDir: string;
  /** Only guests of the same lab share finished packages. */
  readonly lab: string;
  readonly vcpus: number;
  /** The way to Debian's archives (aptSettings.ts); unset: the host's own. */
  readonly apt?: string;
}

/** The source in the form that the scripts read. */
function sourceWords({ package: name, suite, url, sha256, git, commit }: BuildSource): string[] {
  if (name !== undefined) return ["package", name, suite ?? ""];
  if (url !== undefined) return ["url", sha256 ?? "", url];
  return ["git", git ?? "", commit ?? ""];
}

/** Identifies a build by content only: neither its speed nor the location of its files matters. */
export function buildIdentity({
  kind,
  source,
  base,
  basis,
  fragments,
  patches,
  recipe,
  libraries,
}: BuildOrder): string {
  const { package: name, suite, sha256, commit } = source;
  const from = name === undefined ? (sha256 ?? commit) : `${name} ${suite}`;
  const texts = fragments.map(({ text }) => text);
  const sums = patches.map((patch) => patch.sha256);
  const below = basis === undefined ? base : `${base} ${basis}`;
  const what = [kind, from, below, texts, sums, recipe, ...(libraries ? [libraries] : [])];
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
 * MiB that a build needs in its guest. Measured, memory with page cache (docs/builds.md): `kernel
 * tiny` 620 of disk and 601 of memory, `kernel running` 1521 and 1268. The others are estimated
 * from the object sizes of native builds.
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

/** Whether the host compiles first: the guest's own compiler would take hours, or distcc helps. */
export function isWarm({ warm, distcc }: BuildPlace, acceleration: Acceleration): boolean {
  return warm === "always" || (warm === "auto" && (acceleration === "tcg" || distcc.length > 0));
}

/** How fast a guest builds: with KVM, emulated with the host's compiler results, or emulated alone. */
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

/** Name of a fragment or patch by its position. */
export const fileNumber = (i: number): string => String(i).padStart(2, "0");

/** The file `spec`: lines `KEY VALUE`. `needs`: kernel symbols that the guest needs. */
export function specText(order: BuildOrder, needs: readonly string[]): string {
  const { kind, source, base, libraries, fragments, patches } = order;
  const name = (path: string): string => path.split("/").at(-1) ?? "";
  const lines = [
    `kind ${kind}`,
    `source ${sourceWords(source).join(" ")}`,
    `base ${base}`,
    ...(libraries === undefined ? [] : [`libraries ${libraries}`]),
    `suffix -mirlab-${buildIdentity(order).slice(0, 8)}`,
    ...needs.map((symbol) => `need ${symbol}`),
    ...fragments.map((f, i) => `fragment ${fileNumber(i)} ${name(f.name)}`),
    ...patches.map((p, i) => `patch ${fileNumber(i)} ${p.sha256} ${name(p.file)}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** What the host prepared. */
export interface Prepared {
  readonly release: string;
  /** Steps of the compile, counted in the native compile or a dry run; 0: not known. */
  readonly steps: number;
  /** SHA-256 of the files that the guest gets. */
  readonly input: string;
  readonly tools: string;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Reads the manifest that scripts/host/build.sh prints; throws when it is malformed. */
export function readPrepared(text: string): Prepared {
  const value = (key: string): string =>
    new RegExp(`^${key} (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const [input = "", tools = ""] = [value("input"), value("tools")].map((v) => v.split(" ")[0]);
  const release = value("release");
  if (!SHA256.test(input) || !SHA256.test(tools) || !/^[A-Za-z0-9.+~_-]{1,90}$/.test(release)) {
    throw new Error("build: found no manifest in the host's answer; need one; fix: run 'up' again");
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

/** Validates the output of `build.sh state`: the guest is not trusted. */
export function readBuildState(text: string): BuildState {
  const form = /^([a-z]{2,7}) (-|[0-9a-f]{64}) (\d{1,7}) (\d{1,8}) ?([a-z]{0,20})$/;
  const [, word, identity = "", steps, seconds, phase = ""] = form.exec(text.trim()) ?? [];
  const state = STATES.find((known) => known === word);
  if (state === undefined) throw new Error("build: the guest's answer is not a build's state");
  return { state, identity, steps: Number(steps), seconds: Number(seconds), phase };
}

/** One line of progress. */
export function progressText({ steps, seconds, phase }: BuildState, total: number): string {
  // A dry run does not count the last few steps.
  const of = total > 0 && total >= steps ? ` of ${total}` : "";
  return `${phase === "" ? "starting" : phase}: ${steps}${of} steps; ${seconds} s`;
}

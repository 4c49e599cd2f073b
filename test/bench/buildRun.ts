/** Times some objects of a kernel, in the guest and natively, with and without the host's results. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kernelConfig } from "../../components/build/order.io";
import { run } from "../../core/exec.io";
import { Build } from "../../components/build/build.io";
import { scriptText, targetArgv } from "../../core/link.io";
import { SshTarget } from "../../core/target";
import { buildIdentity, BuildOrder, BuildPlace } from "../../components/build/build";
import { neededSymbols } from "../../components/build/kernel";
import { labSchema } from "../../config/schema";
import { CACHE_DIR, ROOT } from "../integration/support";

/** Of the objects alone: without the time of a make that has nothing to do. */
export interface Seconds {
  readonly cold: readonly number[];
  readonly warm: readonly number[];
}

const WAYS = ["cold", "warm", "nothing"] as const;
const IN_GUEST = "/var/lib/mirlab/build/kernel";
const LIMIT_MS = 4 * 3_600_000;

/** The kernel of test/integration/kernelBuild.test.ts. */
function order(): BuildOrder {
  const source = { package: "linux-source-6.12", suite: "bookworm-security" };
  const guest = { name: "g1", kernel: { source: "build", build: { source } } };
  const [config] = labSchema.parse({ guests: [guest] }).guests;
  const build = config === undefined ? undefined : kernelConfig(config).build;
  if (build === undefined) throw new Error("bench: no build in the configuration");
  return build;
}

export class BuildRun {
  private readonly order = order();
  private readonly place: BuildPlace = {
    ...{ cacheDir: CACHE_DIR, lab: "bench", sizeGiB: 10, warm: "always", distcc: [], vcpus: 2 },
  };
  private readonly build: Build;

  constructor(private readonly guest: SshTarget) {
    const { order, place } = this;
    const needs = neededSymbols(true);
    this.build = new Build({ guest, acceleration: "tcg", name: "g1", place, order, needs });
  }

  /** Prepares the build on the host, and sends its files to the guest. */
  async init(): Promise<void> {
    await this.build.bring(await this.build.prepared());
  }

  inGuest(rounds: number): Promise<Seconds> {
    const files = [`${IN_GUEST}/tools.sqfs`, `${IN_GUEST}/input.sqfs`, `${IN_GUEST}/bench`];
    return this.compile(this.guest, files, rounds);
  }

  natively(rounds: number, work: string): Promise<Seconds> {
    const folder = join(CACHE_DIR, "builds", buildIdentity(this.order));
    const tools = /^tools \S+ \d+ (\S+)$/m.exec(
      readFileSync(join(folder, "manifest"), "utf8"),
    )?.[1];
    const root = join(CACHE_DIR, "roots", tools ?? "", "tree");
    return this.compile(undefined, [root, join(folder, "input.sqfs"), work], rounds);
  }

  private async compile(
    target: SshTarget | undefined,
    places: readonly string[],
    rounds: number,
  ): Promise<Seconds> {
    const shell = ["unshare", "--mount", "--propagation", "private", "bash", "-s", "--"];
    const words = [...shell, ...places, String(rounds), "2", ...WAYS];
    const argv = targetArgv(target, target === undefined ? words : ["sudo", "-n", ...words]);
    const bench = readFileSync(join(ROOT, "test", "bench", "compile.sh"), "utf8");
    const stdin = scriptText("build/confine.sh") + bench;
    const { code, stdout, stderr } = await run(argv, { stdin, timeoutMs: LIMIT_MS });
    if (code !== 0) throw new Error(`bench: compile: ${stderr}`);
    const of = (way: (typeof WAYS)[number]): number[] =>
      [...stdout.toString().matchAll(/^(\w+) (\d+)$/gm)]
        .filter(([, measured]) => measured === way)
        .map(([, , ms]) => Number(ms) / 1000);
    const nothing = of("nothing");
    const off = (all: number[]): number[] => all.map((time, i) => time - (nothing[i] ?? NaN));
    return { cold: off(of("cold")), warm: off(of("warm")) };
  }
}

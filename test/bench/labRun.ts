/** The engine's side of the bench: a lab of one guest, by `pulumi up`. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SuiteName } from "../../config/suites";
import { run } from "../../core/exec.io";
import { SshTarget } from "../../core/target";
import { ROOT, TestLab } from "../integration/support";
import { Phases, seconds } from "./phases";

export const STACK = "bench";

/** Lines that `up` prints when a step has ended. GuestBoot includes cloud-init, as in bare.sh. */
const STEPS = {
  started: /mir:DomainContract \S+ created/,
  booted: /:GuestBoot \S+ created/,
  frame: /:MirReadiness \S+ created/,
} as const;

const POLICIES = [
  ...["--policy-pack", "policies"],
  ...["--policy-pack-config", "policies/config.json"],
];

export class LabRun {
  private readonly lab: TestLab;
  private readonly empty = new SmallProgram("empty", "export {};\n");
  private readonly dynamic = new SmallProgram(
    "dynamic",
    ONE_DYNAMIC,
    "options:\n  refresh: always\n",
  );

  constructor(suite: SuiteName) {
    // A snapshot's lists may be older than a week.
    const host = { apt: { validUntil: "ignore" } };
    const guests = [{ name: "g1", image: { source: "debian", suite } }];
    this.lab = new TestLab({ stack: STACK, guests, host });
  }

  async init(): Promise<void> {
    await this.lab.init();
    await this.empty.init();
    await this.dynamic.init();
  }

  /** One `up` where only the image exists. */
  async up(): Promise<Phases> {
    const at = new Map<string, number>();
    const begin = seconds();
    const [, ended] = this.lab.start(["up", "--yes", "--skip-preview"], (text) => {
      for (const [step, line] of Object.entries(STEPS)) {
        if (!at.has(step) && line.test(text)) at.set(step, seconds());
      }
    });
    const { code, text } = await ended;
    const total = seconds() - begin;
    if (code !== 0) throw new Error(`up: ${text}`);
    const time = (step: keyof typeof STEPS): number => {
      const found = at.get(step);
      if (found === undefined)
        throw new Error(`up: found no line of step '${step}'; need one: ${text}`);
      return found;
    };
    return {
      total,
      login: time("booted") - time("started"),
      frame: time("frame") - time("booted"),
    };
  }

  /** Previews of the converged lab and of the two small programs, one after the other. */
  async previews(): Promise<{ lab: number; empty: number; dynamic: number }> {
    const lab = await this.preview("--expect-no-changes");
    return { lab, empty: await this.empty.preview(), dynamic: await this.dynamic.preview() };
  }

  /** Previews with the policies, as bin/lab runs them, and without, in the given order. */
  async guarded(policiesFirst: boolean): Promise<{ full: number; bare: number }> {
    let [full, bare] = [NaN, NaN];
    for (const policies of [policiesFirst, !policiesFirst]) {
      if (policies) full = await this.preview(...POLICIES);
      else bare = await this.preview();
    }
    return { full, bare };
  }

  private async preview(...args: string[]): Promise<number> {
    const begin = seconds();
    const { code, text } = await this.lab.pulumi("preview", "--non-interactive", ...args);
    const time = seconds() - begin;
    if (code !== 0) throw new Error(`preview: ${text}`);
    return time;
  }

  get guest(): SshTarget {
    const config = join(this.lab.home, "labs", STACK, "g1", "ssh_config");
    return { config, alias: `mirlab-${STACK}-g1` };
  }

  async down(): Promise<void> {
    const { code, text } = await this.lab.pulumi(
      "destroy",
      "--yes",
      "--skip-preview",
      "--ignore-protect",
    );
    if (code !== 0) throw new Error(`destroy: ${text}`);
  }

  async dispose(): Promise<void> {
    await this.lab.dispose();
    this.empty.dispose();
    this.dynamic.dispose();
  }
}

/** One resource of a dynamic provider that answers at once, with a refresh in each preview. */
const ONE_DYNAMIC = `import * as pulumi from "@pulumi/pulumi";
const provider: pulumi.dynamic.ResourceProvider = {
  create: (inputs) => Promise.resolve({ id: "one", outs: inputs }),
  read: (id, props) => Promise.resolve({ id, props }),
};
class One extends pulumi.dynamic.Resource {}
new One(provider, "one", { a: 1 });
`;

/** A TypeScript program of a few lines: the least time of a preview. */
class SmallProgram {
  private readonly folder = mkdtempSync(join(tmpdir(), "mirlab-bench-"));
  private readonly project = join(this.folder, "project");

  constructor(
    private readonly name: string,
    private readonly text: string,
    private readonly options = "",
  ) {}

  private async pulumi(...args: string[]): Promise<void> {
    const argv = [join(ROOT, "bin", "pulumi"), ...args, "--cwd", this.project];
    const env = { MIRLAB_HOME: join(this.folder, "home") };
    const ended = await run(argv, { env, timeoutMs: 300_000 });
    if (ended.code !== 0) throw new Error(`${args[0]}: ${ended.stdout.toString()}${ended.stderr}`);
  }

  async init(): Promise<void> {
    mkdirSync(this.project);
    symlinkSync(join(ROOT, "node_modules"), join(this.project, "node_modules"));
    const files = {
      "Pulumi.yaml": `name: ${this.name}\nruntime: nodejs\n${this.options}`,
      "package.json": '{ "name": "small", "main": "index.ts" }\n',
      "tsconfig.json":
        '{ "compilerOptions": { "module": "nodenext", "moduleResolution": "nodenext", "strict": true } }\n',
      "index.ts": this.text,
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.project, name), text);
    }
    await this.pulumi("stack", "init", this.name);
    await this.pulumi("up", "--yes", "--skip-preview", "--stack", this.name);
  }

  async preview(): Promise<number> {
    const begin = seconds();
    await this.pulumi("preview", "--stack", this.name);
    return seconds() - begin;
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

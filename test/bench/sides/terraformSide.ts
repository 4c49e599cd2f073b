/** Terraform's side, or OpenTofu's: the same provider, without a network. */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { run, RunResult } from "../../../core/exec.io";
import { ROOT } from "../../integration/support";
import { command, Preview, reasonOf, Side, Values } from "./side";
import { Shown } from "./verdict";

const PROVIDER = "registry.terraform.io/dmacvicar/libvirt";
/** The path at which the toolchain installs the provider for the engine. */
const BUILT = "pulumi/dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt/0.8.3";

const attributes = z.record(z.string(), z.unknown()).nullable();
const plan = z.looseObject({
  resource_changes: z
    .array(
      z.looseObject({
        index: z.string(),
        change: z.looseObject({
          actions: z.array(z.string()),
          before: attributes,
          after: attributes,
        }),
      }),
    )
    .default([]),
});

/** The attributes that a plan would change, by domain. */
export function shownByPlan(json: string): ReadonlyMap<string, Shown> {
  const shown = new Map<string, Shown>();
  for (const { index, change } of plan.parse(JSON.parse(json)).resource_changes) {
    const { actions, before, after } = change;
    if (isDeepStrictEqual(actions, ["no-op"])) continue;
    const names = Object.keys(after ?? {}).filter(
      (key) => before !== null && !isDeepStrictEqual(before[key], after?.[key]),
    );
    shown.set(index, { changed: true, names });
  }
  return shown;
}

/** The tool on PATH, with its version; undefined when there is none. */
export async function terraformOnPath(): Promise<{ tool: string; version: string } | undefined> {
  for (const tool of ["terraform", "tofu"]) {
    const found = await run([tool, "version"], { env: { CHECKPOINT_DISABLE: "1" } });
    const version = /^(?:Terraform|OpenTofu) v\S+/.exec(found.stdout.toString())?.[0];
    if (found.code === 0 && version !== undefined) return { tool, version };
  }
  return undefined;
}

export class TerraformSide implements Side {
  readonly title: string;
  readonly domains: readonly string[];
  readonly command: string;
  readonly version: string;
  private readonly tool: string;

  constructor(
    found: { readonly tool: string; readonly version: string },
    private readonly values: readonly Values[],
    private readonly folder: string,
    /** `MIRLAB_HOME`, with the provider in it. */
    private readonly home: string,
  ) {
    ({ tool: this.tool, version: this.version } = found);
    this.title = found.tool === "tofu" ? "OpenTofu" : "Terraform";
    this.domains = values.map(({ spec }) => spec.name);
    this.command = `${found.tool} plan`;
  }

  private terraform(verb: string, ...args: string[]): Promise<RunResult> {
    return command([this.tool, `-chdir=${this.folder}`, verb, ...args], {
      TF_CLI_CONFIG_FILE: join(this.folder, "cli.tfrc"),
      TF_IN_AUTOMATION: "1",
      CHECKPOINT_DISABLE: "1",
    });
  }

  async init(): Promise<void> {
    const mirror = join(this.folder, "mirror");
    const built = join(this.home, BUILT);
    for (const platform of readdirSync(built)) {
      const to = join(mirror, PROVIDER, "0.8.3", platform);
      mkdirSync(to, { recursive: true });
      const file = join(built, platform, "terraform-provider-libvirt");
      copyFileSync(file, join(to, "terraform-provider-libvirt_v0.8.3"));
    }
    copyFileSync(join(ROOT, "test/bench/sides/main.tf"), join(this.folder, "main.tf"));
    const settings = `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`;
    writeFileSync(join(this.folder, "cli.tfrc"), settings);
    writeFileSync(join(this.folder, "values.json"), JSON.stringify(this.values));
    const ready = await this.terraform("init", "-input=false", "-no-color");
    for (const ended of [ready, ...(ready.code === 0 ? [await this.apply()] : [])]) {
      if (ended.code !== 0)
        throw new Error(`${this.title}: ${ended.stdout.toString()}${ended.stderr}`);
    }
  }

  async preview(): Promise<Preview> {
    const ended = await this.terraform("plan", "-input=false", "-no-color", "-out=plan");
    if (ended.code !== 0) return { fault: reasonOf(ended) };
    const shown = await this.terraform("show", "-json", "plan");
    return { shown: shownByPlan(shown.stdout.toString()) };
  }

  async quiet(): Promise<void> {
    const ended = await this.terraform("plan", "-input=false", "-no-color", "-detailed-exitcode");
    if (ended.code !== 0)
      throw new Error(`${this.title}: ${ended.stdout.toString()}${ended.stderr}`);
  }

  apply(): Promise<RunResult> {
    return this.terraform("apply", "-input=false", "-no-color", "-auto-approve");
  }
}

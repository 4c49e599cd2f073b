/** Pulumi's sides: this project's DomainContract, and the published provider without it. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RunResult } from "../../../core/exec.io";
import { driftReport } from "../../../cli/driftReport";
import { ROOT } from "../../integration/support";
import { command, Preview, reasonOf, Side, Values } from "./side";

const STACK = "sides";
/** Folders and files that the programs and the dynamic provider load. */
const LINKS = [
  "tsconfig.json",
  "node_modules",
  "components",
  "config",
  "core",
  "io",
  "scripts",
  "test",
];

export class PulumiSide implements Side {
  readonly version = "Pulumi 3.276.0";
  readonly domains: readonly string[];
  readonly command: string;
  private readonly more: readonly string[];

  constructor(
    readonly title: string,
    /** File of the program, beside this one. */
    private readonly program: "contractProgram" | "providerProgram",
    private readonly values: readonly Values[],
    private readonly folder: string,
    private readonly home: string,
  ) {
    this.domains = values.map(({ spec }) => spec.name);
    this.more = program === "providerProgram" ? ["--refresh"] : [];
    this.command = ["pulumi preview", ...this.more].join(" ");
  }

  private pulumi(...args: string[]): Promise<RunResult> {
    const argv = [join(ROOT, "bin", "pulumi"), ...args, "--non-interactive"];
    return command([...argv, "--stack", STACK, "--cwd", this.folder], { MIRLAB_HOME: this.home });
  }

  async init(): Promise<void> {
    mkdirSync(this.folder);
    for (const name of LINKS) symlinkSync(join(ROOT, name), join(this.folder, name));
    const refresh = this.more.length === 0 ? "options: { refresh: always }\n" : "";
    const files = {
      "Pulumi.yaml": `name: ${this.program.toLowerCase()}\nruntime: nodejs\n${refresh}`,
      "package.json": '{ "name": "side", "main": "index.ts" }\n',
      "index.ts": `import "./test/bench/sides/${this.program}";\n`,
      "values.json": JSON.stringify(this.values),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    for (const ended of [await this.pulumi("stack", "init"), await this.apply()]) {
      if (ended.code !== 0)
        throw new Error(`${this.title}: ${ended.stdout.toString()}${ended.stderr}`);
    }
  }

  async preview(): Promise<Preview> {
    const ended = await this.pulumi("preview", ...this.more, "--json");
    if (ended.code !== 0) return { fault: reasonOf(ended) };
    const text = ended.stdout.toString();
    const { resources } = driftReport(text.slice(text.indexOf("{")), STACK);
    return {
      shown: new Map(resources.map(({ name, drift }) => [name, { changed: true, names: drift }])),
    };
  }

  async quiet(): Promise<void> {
    const ended = await this.pulumi("preview", ...this.more, "--expect-no-changes");
    if (ended.code !== 0)
      throw new Error(`${this.title}: ${ended.stdout.toString()}${ended.stderr}`);
  }

  apply(): Promise<RunResult> {
    return this.pulumi("up", ...this.more, "--yes", "--skip-preview");
  }
}

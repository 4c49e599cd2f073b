/**
 * Builds a kernel or a Mesa in a guest: the host prepares the source and, optionally, cached
 * compiler results; a systemd unit in the guest compiles and packages. The unit continues when this
 * run ends, and the next run finds it.
 */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  buildIdentity,
  BuildOrder,
  BuildPlace,
  BuildState,
  buildNeeds,
  BuildFile,
  fileNumber,
  buildWords,
  GUEST_CACHE_MIB,
  isWarm,
  Prepared,
  progressText,
  readBuildState,
  readPrepared,
  specText,
} from "./build";
import { aptEnvironment } from "../host/aptSettings";
import { faultText } from "../../core/fault";
import { Acceleration } from "../../core/limits";
import { plainConsole } from "../../core/serialLog";
import { recipeFiles } from "./order.io";
import { run, RunOptions, RunResult } from "../../core/exec.io";
import { connectionFault, runInGuest, runOnHost } from "../../core/link.io";
import { HostTarget, SshTarget } from "../../core/target";
import { writeWhole } from "../../core/privateFile.io";

export interface BuildInputs {
  readonly guest: SshTarget;
  readonly host?: HostTarget;
  readonly acceleration: Acceleration;
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly place: BuildPlace;
  readonly order: BuildOrder;
  /** What the result must contain for this guest, e.g. kernel symbols. */
  readonly needs: readonly string[];
  /** The recorded configuration of the guest's own kernel, for base `running`. */
  readonly basis?: string;
}

/** A finished package: in the guest, or on the host from an earlier build of the same identity. */
export type Built = { readonly in: "guest" } | { readonly in: "host"; readonly deb: Buffer };

const MINUTE_MS = 60_000;
const PREPARE_MS = 180 * MINUTE_MS;
const SEND_MS = 60 * MINUTE_MS;
/** Time between two progress lines; each costs a login in the guest. */
const PROGRESS_EVERY_MS = 30_000;
/** A busy guest may leave this many looks in a row unanswered. */
const SILENT_LOOKS = 10;

/** One build of one guest. */
export class Build {
  private readonly identity: string;
  private readonly what: string;

  constructor(private readonly inputs: BuildInputs) {
    this.identity = buildIdentity(inputs.order);
    this.what = `${inputs.name}: ${inputs.order.kind}: build`;
  }

  private print(line: string): void {
    console.log(`${this.what}: ${line}`);
  }

  private failed(result: RunResult, doing: string): Error {
    const text = plainConsole(result.stderr).trim();
    const why = text === "" ? (result.timedOut ? "timed out" : "no message") : text;
    return new Error(`${this.what}: ${doing}: ${why}`);
  }

  /** Runs one verb of the host's script. */
  async onHost(
    verb: string,
    args: readonly string[],
    options: Pick<RunOptions, "stdin" | "timeoutMs" | "onErrorLine"> = {},
  ): Promise<Buffer> {
    const { host, place } = this.inputs;
    const words = [verb, place.cacheDir, this.identity, ...args];
    const done = await runOnHost(host, "build.sh", words, {
      ...{ timeoutMs: 5 * MINUTE_MS, settings: aptEnvironment(place.apt), ...options },
    });
    if (done.code === 0) return done.stdout;
    throw this.failed(done, `on the lab host`);
  }

  /** Runs one verb of the guest's script. */
  private async inGuest(verb: string, args: readonly string[] = []): Promise<Buffer> {
    const { guest, order } = this.inputs;
    const words = [verb, order.kind, ...args];
    const done = await runInGuest(guest, "build.sh", words, { timeoutMs: 30 * MINUTE_MS });
    if (done.code === 0) return done.stdout;
    throw this.failed(done, connectionFault(done) === undefined ? "in the guest" : "no connection");
  }

  private async state(): Promise<BuildState> {
    return readBuildState((await this.inGuest("state")).toString());
  }

  /** A package that a guest of this lab has already built. */
  private async finished(): Promise<Built | undefined> {
    const { lab } = this.inputs.place;
    const sum = (await this.onHost("find", [lab])).toString().trim();
    if (sum === "") return undefined;
    const deb = await this.onHost("read", [`${lab}.deb`]);
    if (createHash("sha256").update(deb).digest("hex") !== sum) return undefined;
    this.print("the host has the package from an earlier build");
    return { in: "host", deb };
  }

  private async declared(): Promise<Buffer> {
    const { order, needs, basis } = this.inputs;
    const patches = order.patches.map(async ({ file }, i) => ({
      name: `patches/${fileNumber(i)}`,
      data: await readFile(file).catch((error: Error) => {
        throw new Error(
          `${this.what}: patch ${file}: found ${error.message}; need a readable file`,
        );
      }),
    }));
    return tar([
      { name: "spec", data: specText(order, needs) },
      ...recipeFiles(order.kind).map(({ name, data }) => ({ name: `recipe/${name}`, data })),
      ...order.fragments.map(({ text }, i) => ({ name: `fragments/${fileNumber(i)}`, data: text })),
      ...(basis === undefined ? [] : [{ name: "basis", data: basis }]),
      ...(await Promise.all(patches)),
    ]);
  }

  /** Has the host prepare the source, and returns what it prepared. */
  async prepared(): Promise<Prepared> {
    const stdin = await this.declared();
    const { place, acceleration } = this.inputs;
    const helpers = place.distcc.map(({ port, jobs }) => `${port}/${jobs}`);
    const words = [String(place.sizeGiB), isWarm(place, acceleration) ? "1" : "0", ...helpers];
    // Prints only the script's own lines; a failure shows those of the programs that it runs.
    const onErrorLine = (line: string): void => {
      const [, text] = /^build: (.{1,200})/.exec(plainConsole(line)) ?? [];
      if (text !== undefined) this.print(`on the lab host: ${text}`);
    };
    const text = await this.onHost("prepare", words, { stdin, timeoutMs: PREPARE_MS, onErrorLine });
    return readPrepared(text.toString());
  }

  /** Copies from the lab host's cache through this machine into the guest. */
  private async send(name: "input" | "tools", sum: string): Promise<void> {
    const { host, guest, place, order } = this.inputs;
    this.print(`sending ${name === "tools" ? "the compiler and its tools" : "the source"}`);
    const [between, timeoutMs] = [new PassThrough(), SEND_MS];
    const from = ["read", place.cacheDir, this.identity, `${name}.sqfs`];
    const to = ["receive", order.kind, name, sum];
    const both = await Promise.all([
      runOnHost(host, "build.sh", from, { stdout: between, timeoutMs }),
      runInGuest(guest, "build.sh", to, { stdin: between, timeoutMs }),
    ]);
    const failed = both.find(({ code }) => code !== 0);
    if (failed !== undefined) throw this.failed(failed, `sending ${name}`);
  }

  /** Makes room in the guest, and sends the files that it lacks. */
  async bring(prepared: Prepared): Promise<void> {
    const { disk, memory } = buildNeeds(this.inputs.order);
    const files = (["tools", "input"] as const).map((name) => `${name}=${prepared[name]}`);
    const words = [this.identity, String(disk), String(memory), ...files];
    const missing = (await this.inGuest("begin", words)).toString().trim().split("\n");
    for (const name of ["tools", "input"] as const) {
      if (missing.includes(name)) await this.send(name, prepared[name]);
    }
  }

  private async begin(prepared: Prepared): Promise<void> {
    const { order, place } = this.inputs;
    await this.bring(prepared);
    const jobs = String(order.jobs ?? place.vcpus);
    await this.inGuest("start", [this.identity, jobs, String(GUEST_CACHE_MIB)]);
  }

  private async waitForEnd(total: number): Promise<void> {
    let silent = 0;
    for (;;) {
      const now = await this.state().catch((error: Error) => error);
      if (now instanceof Error) {
        silent += 1;
        if (silent > SILENT_LOOKS)
          throw new Error(`${now.message}; the build continues in the guest; fix: run 'up' again`);
      } else {
        silent = 0;
        if (now.identity !== this.identity) throw this.gone("another build in the guest");
        if (now.state === "done") return;
        if (now.state === "none") throw this.gone("no running build, e.g. after a reboot");
        if (now.state !== "running") return this.ended(now);
        this.print(progressText(now, total));
      }
      await sleep(PROGRESS_EVERY_MS);
    }
  }

  private gone(found: string): Error {
    return new Error(
      `${this.what}: found ${found}; need this build to finish; fix: run 'up' again`,
    );
  }

  private async ended(now: BuildState): Promise<never> {
    const { file, log } = await this.keepLog();
    const lines = log
      .split("\n")
      .filter((line) => !/^ {2}[A-Z]|^make(\[\d+\])?: (Entering|Leaving)/.test(line));
    await this.inGuest("clean");
    const { order } = this.inputs;
    const fault =
      now.state === "oom"
        ? {
            found: "a compiler that needs more than three quarters of the guest's memory",
            need: "a build that fits",
            fix: `raise guests[].memoryMiB, or lower ${order.kind}.build.jobs`,
          }
        : { found: `a failure after ${now.steps} steps`, need: `${buildWords(order)} to compile` };
    const message = faultText({ what: this.what, ...fault, log: file });
    throw new Error(`${message}\n${lines.slice(-15).join("\n").trim()}`);
  }

  /** Writes the log beside the guest's reports. */
  private async keepLog(): Promise<{ file: string; log: string }> {
    const folder = join(dirname(this.inputs.guest.config), "results");
    const file = join(folder, `build-${this.inputs.order.kind}.log`);
    const log = plainConsole((await this.inGuest("log")).toString());
    await mkdir(folder, { recursive: true });
    await writeWhole(file, log);
    return { file, log };
  }

  /** Builds the package or finds a finished one. `accept` may refuse the release before the compile. */
  async make(accept: (release: string) => void): Promise<Built> {
    const { identity, state } = await this.state();
    const before = identity === this.identity ? state : "none";
    if (before === "done") return { in: "guest" };
    if (before !== "running") {
      const found = await this.finished();
      if (found !== undefined) return found;
    }
    // While the unit is running, the host has everything already.
    const prepared = await this.prepared();
    accept(prepared.release);
    if (before === "running") {
      this.print("continuing with the running build");
    } else {
      await this.begin(prepared);
    }
    await this.waitForEnd(prepared.steps);
    await this.keepLog();
    return { in: "guest" };
  }

  /** Stores the package on the host for the lab's other guests, and removes the build in this one. */
  async keep(): Promise<void> {
    const { lab } = this.inputs.place;
    const { identity, state } = await this.state();
    if (identity !== this.identity || state !== "done") return;
    const deb = await this.inGuest("package");
    const sum = createHash("sha256").update(deb).digest("hex");
    await this.onHost("store", [lab, sum], { stdin: deb });
    await this.inGuest("forget");
  }
}

/** A reproducible tar of these files. */
async function tar(files: readonly BuildFile[]): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "mirlab-build-"));
  try {
    for (const { name, data } of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), data);
    }
    const same = ["--sort=name", "--owner=0", "--group=0", "--mode=a+rX,go-w", "--mtime=@0"];
    const packed = await run(["tar", "-C", folder, ...same, "-c", "."]);
    if (packed.code !== 0) throw new Error(`build: tar: ${packed.stderr.trim()}`);
    return packed.stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

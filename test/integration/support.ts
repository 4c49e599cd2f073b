/** A lab for one test, with its own home, data folder and stack; real engine, libvirt and guest. */
import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { run } from "../../core/exec.io";

export const ROOT = resolve(__dirname, "..", "..");
/** Shared with other labs of this machine: images are named by content. */
export const CACHE_DIR = process.env.MIRLAB_TEST_CACHE ?? "/var/cache/mirlab";

/** Arguments that limit the engine to the host's part of a lab. */
export const HOST_PART = ["--target", "**::host", "--target", "**::host-*"];

export interface Ended {
  readonly code: number;
  /** Standard output and error as they came. */
  readonly text: string;
}

interface LabOptions {
  readonly stack: string;
  /** Values of `mirlab:guests`; `mirlab:host` gets the test's own folders. */
  readonly guests: readonly Record<string, unknown>[];
  readonly host?: Record<string, unknown>;
}

/** A stack with its own home and folders. `dispose` removes whatever is left. */
export class TestLab {
  readonly folder = mkdtempSync(join(tmpdir(), "mirlab-test-"));
  /** With a blank, a quote and an umlaut: a home may be of that kind. */
  readonly home = join(this.folder, "Ann's Büro");
  readonly dataDir: string;
  readonly stack: string;
  private readonly configFile: string;

  constructor(private readonly options: LabOptions) {
    this.stack = options.stack;
    this.dataDir = `/var/lib/mirlab-test-${process.pid}-${options.stack}`;
    this.configFile = join(ROOT, `Pulumi.${options.stack}.yaml`);
    this.configure(options.guests);
  }

  /** Declares other guests, and other values of the host. Keeps the rest of the file: the engine adds its salt to it. */
  configure(guests: readonly Record<string, unknown>[], more: LabOptions["host"] = {}): void {
    const host = { dataDir: this.dataDir, cacheDir: CACHE_DIR, ...this.options.host, ...more };
    const old = existsSync(this.configFile)
      ? (parse(readFileSync(this.configFile, "utf8")) as Record<string, unknown>)
      : {};
    const config = { "mirlab:host": host, "mirlab:guests": guests };
    writeFileSync(this.configFile, stringify({ ...old, config }));
  }

  /** Starts `bin/pulumi`, or another program, on this stack; `onText` sees the output as it comes. */
  start(
    args: readonly string[],
    onText?: (text: string) => void,
    program: "pulumi" | "lab" = "pulumi",
  ): [ChildProcess, Promise<Ended>] {
    const argv = [...args, "--stack", this.stack];
    const child = spawn(join(ROOT, "bin", program), argv, {
      cwd: ROOT,
      env: { ...process.env, MIRLAB_HOME: this.home },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let text = "";
    const keep = (chunk: Buffer): void => {
      text += chunk.toString();
      if (process.env.MIRLAB_TEST_VERBOSE !== undefined) process.stderr.write(chunk);
      onText?.(text);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const ended = new Promise<Ended>((done) => {
      child.on("close", (code) => done({ code: code ?? -1, text }));
    });
    return [child, ended];
  }

  /** Runs `bin/pulumi` to its end. */
  pulumi(...args: string[]): Promise<Ended> {
    return this.start(args)[1];
  }

  /** Runs a verb of `bin/lab` to its end. */
  verb(...args: string[]): Promise<Ended> {
    return this.start(args, undefined, "lab")[1];
  }

  async init(): Promise<void> {
    await this.clearDeadRun();
    this.forgetBuilds();
    const argv = [join(ROOT, "bin", "pulumi"), "stack", "init", this.stack, "--cwd", ROOT];
    const ended = await run(argv, { env: { MIRLAB_HOME: this.home }, timeoutMs: 1_800_000 });
    if (ended.code !== 0) throw new Error(`stack init: ${ended.stderr}`);
  }

  /** Removes what a killed test run left under this stack's name, but nothing of a running one. */
  private async clearDeadRun(): Promise<void> {
    const pool = `mirlab-${this.stack}`;
    const xml = await virsh("pool-dumpxml", pool);
    const [, folder, pid] = /<path>(\/var\/lib\/mirlab-test-(\d+)-[a-z0-9-]+)\//.exec(xml) ?? [];
    if (folder === undefined || pid === undefined || existsSync(`/proc/${pid}`)) return;
    const domains = (await virsh("list", "--all", "--name")).split("\n");
    for (const domain of domains.filter((name) => name.startsWith(`${pool}-`))) {
      await virsh("destroy", domain);
      await virsh("undefine", domain, "--managed-save", "--snapshots-metadata", "--nvram");
    }
    for (const verb of ["net-destroy", "net-undefine", "pool-destroy", "pool-undefine"]) {
      await virsh(verb, pool);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  /** Removes packages that guests of earlier runs have built: a test has to build its own. */
  private forgetBuilds(): void {
    const builds = join(CACHE_DIR, "builds");
    const folders = existsSync(builds) ? readdirSync(builds) : [];
    for (const folder of folders.filter((name) => /^[0-9a-f]{64}$/.test(name))) {
      for (const end of ["deb", "deb.sum"]) {
        rmSync(join(builds, folder, `${this.stack}.${end}`), { force: true });
      }
    }
  }

  /** Removes the state file, as by an accident, and creates an empty stack of this name. */
  async loseState(): Promise<void> {
    const stacks = join(this.home, "state", ".pulumi", "stacks", "mirlab");
    rmSync(join(stacks, `${this.stack}.json`));
    rmSync(join(stacks, `${this.stack}.json.bak`), { force: true });
    await this.init();
  }

  async outputs(): Promise<Record<string, Record<string, never>>> {
    const ended = await run(
      [
        join(ROOT, "bin", "pulumi"),
        "stack",
        "output",
        "--json",
        "--stack",
        this.stack,
        "--cwd",
        ROOT,
      ],
      { env: { MIRLAB_HOME: this.home } },
    );
    const outputs = JSON.parse(ended.stdout.toString()) as { guests: Record<string, never> };
    return outputs.guests;
  }

  /** Runs a command in a guest by the output `sshCommand`. It has to succeed. */
  async inGuest(guest: string, command: string): Promise<string> {
    const { sshCommand } = (await this.outputs())[guest] as unknown as { sshCommand: string };
    const ended = await run(["bash", "-c", `${sshCommand} "$1"`, "bash", command]);
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout.toString().trim();
  }

  /** Removes the stack's resources if the test has not, then the test's own folders. */
  async dispose(): Promise<void> {
    await this.pulumi("cancel", "--yes");
    const gone = await this.pulumi(
      "destroy",
      "--yes",
      "--refresh=false",
      "--skip-preview",
      "--ignore-protect",
    );
    // Keep the home: without it nobody can remove the guest.
    if (gone.code !== 0)
      throw new Error(`destroy failed, so ${this.folder} is kept:\n${gone.text}`);
    rmSync(this.dataDir, { recursive: true, force: true });
    rmSync(this.configFile, { force: true });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs virsh and returns its output. */
export async function virsh(...args: string[]): Promise<string> {
  const ended = await run(["virsh", "--quiet", "--connect", "qemu:///system", ...args]);
  return ended.stdout.toString() + ended.stderr;
}

/**
 * A lab host with systemd, AppArmor and KVM, emulated by QEMU's TCG: a fresh overlay of a base disk for each test.
 * Nothing listens but one loopback port for its sshd. A killed test leaves its folder, which the next run removes;
 * QEMU ends with the test (PR_SET_PDEATHSIG).
 */
import assert from "node:assert/strict";
import { ChildProcess, spawn } from "node:child_process";
import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { hostPackages } from "../../components/host/packages";
import { run, RunOptions, RunResult } from "../../core/exec.io";
import { freePort } from "../integration/loopback";
import { CACHE_DIR, ROOT } from "../integration/support";
import { answering, Typed } from "../terminal";

/** Base disks and the emulator, kept by content. */
const CACHE = join(CACHE_DIR, "test-hosts");

export type Release = "debian12" | "debian13";
export type User = "root" | "admin" | "op" | "viewer";

const BUILD_MS = 1_800_000;
/** Systemd's own limits are for machines that are not emulated. */
const PATIENCE = "systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900";

async function printed(argv: readonly string[], timeoutMs: number): Promise<string> {
  const ended = await run(argv, { timeoutMs });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString().trim();
}

const TOOLS = [
  ...["mmdebstrap", "debian-archive-keyring", "fdisk", "e2fsprogs"],
  ...["qemu-utils", "openssh-client"],
];

/** What builds the disks of hosts and guests, and logs in. */
export async function installTools(): Promise<void> {
  await printed([join(ROOT, "scripts/host/packages.sh"), "install", ...TOOLS], BUILD_MS);
}

export interface HostOptions {
  /** Files that the host finds in /var/cache/mirlab/images: a build in it takes an hour. @default none */
  readonly images?: readonly string[];
  /** Folders by their name in the host's /var/cache/mirlab. @default none */
  readonly folders?: ReadonlyMap<string, string>;
  /** Debian packages that it has beside the installer's. @default none */
  readonly packages?: readonly string[];
  /** MiB. @default 8192 */
  readonly memoryMiB?: number;
}

const CODE_NAMES: Readonly<Record<Release, string>> = {
  debian12: "bookworm",
  debian13: "trixie",
};

/** The packages of a lab host of this release. */
export const preparedPackages = (release: Release): string[] =>
  hostPackages(CODE_NAMES[release]).map(({ name }) => name);

export class EmulatedHost {
  private child: ChildProcess | undefined;
  /** What the host wrote to its serial console. */
  readonly console: string;

  private constructor(
    readonly folder: string,
    readonly base: string,
    private readonly tree: string,
    readonly port: number,
    private readonly memoryMiB: number,
  ) {
    this.console = join(folder, "console.log");
  }

  /** Makes what is missing, and boots a fresh host. */
  static async start(release: Release, options: HostOptions = {}): Promise<EmulatedHost> {
    mkdirSync(CACHE, { recursive: true });
    const at = (name: string): string => join(ROOT, "test", "host", name);
    await installTools();
    const tree = await printed(["bash", at("emulator.sh"), "make", CACHE], BUILD_MS);
    const words = ["bash", at("base.sh"), release, CACHE, ...(options.packages ?? [])];
    const base = await printed(words, BUILD_MS);
    removeDead();
    const folder = mkdtempSync(join(CACHE, `run-${process.pid}-`));
    const host = new EmulatedHost(folder, base, tree, await freePort(), options.memoryMiB ?? 8192);
    await printed(
      [
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "qcow2",
        "-b",
        join(base, "disk.qcow2"),
        join(folder, "disk.qcow2"),
      ],
      60_000,
    );
    await host.makeCache(options);
    await host.powerOn();
    return host;
  }

  /** The disk of /var/cache/mirlab, with these images and folders in it. */
  private async makeCache({ images = [], folders = new Map() }: HostOptions): Promise<void> {
    const content = join(this.folder, "cache");
    mkdirSync(join(content, "images"), { recursive: true });
    for (const file of images) {
      const copy = join(content, "images", basename(file));
      cpSync(file, copy, { preserveTimestamps: true });
    }
    for (const [name, folder] of folders)
      await printed(["cp", "-a", folder, join(content, name)], 300_000);
    const disk = join(this.folder, "cache.raw");
    await printed(["truncate", "-s", "12G", disk], 10_000);
    await printed(["mke2fs", "-q", "-F", "-t", "ext4", "-d", content, disk], 300_000);
    rmSync(content, { recursive: true });
  }

  /** Boots it, and waits for its sshd. */
  async powerOn(): Promise<void> {
    // In the emulator's tree the run's folder is /work, and the base's is /base.
    // The base is in another folder than the overlay names: QEMU gets the chain by hand.
    const overlay = [
      "driver=qcow2,node-name=base,read-only=on,file.driver=file,file.filename=/base/disk.qcow2",
      `driver=qcow2,node-name=disk,file.driver=file,file.filename=/work/disk.qcow2,backing=base,cache.direct=off,discard=unmap`,
      `driver=raw,node-name=cache,file.driver=file,file.filename=/work/cache.raw`,
    ];
    const words = [
      "qemu-system-x86_64",
      ...["-machine", "q35", "-accel", "tcg,thread=multi,tb-size=1024"],
      // Without vgif the one run so far was whole; with it a guest's second CPU lost its timer.
      ...["-cpu", "EPYC,+svm,+npt,-vgif", "-smp", "2", "-m", String(this.memoryMiB)],
      ...["-nodefaults", "-display", "none", "-serial", "stdio", "-monitor", "none"],
      ...["-kernel", "/base/vmlinuz", "-initrd", "/base/initrd"],
      ...["-append", `root=/dev/vda rw console=ttyS0 ${PATIENCE}`],
      ...overlay.flatMap((text) => ["-blockdev", text]),
      ...["-device", "virtio-blk-pci,drive=disk", "-device", "virtio-blk-pci,drive=cache"],
      ...["-netdev", `user,id=lan,hostfwd=tcp:127.0.0.1:${this.port}-:22`],
      ...["-device", "virtio-net-pci,netdev=lan", "-device", "virtio-rng-pci"],
    ];
    const script = join(ROOT, "test", "host", "emulator.sh");
    const child = spawn("bash", [script, "run", this.tree, this.folder, this.base, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(this.console, { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.child = child;
    await this.answers();
  }

  /** Waits until root can log in. */
  private async answers(limitMs = 900_000): Promise<void> {
    const started = Date.now();
    for (;;) {
      if (this.child?.exitCode !== null) throw new Error(`the host has ended:\n${this.tail()}`);
      const answer =
        (await greets(this.port)) && (await this.ssh("root", "true", { timeoutMs: 60_000 }));
      if (answer && answer.code === 0) return;
      if (Date.now() - started > limitMs)
        throw new Error(`no login in ${limitMs / 1000} s:\n${this.tail()}`);
      await new Promise((done) => setTimeout(done, 2000));
    }
  }

  /** The kernel's boot id, which each boot changes. Waits for a host that is booting. */
  async bootId(): Promise<string> {
    await this.answers();
    return this.out("root", "cat /proc/sys/kernel/random/boot_id");
  }

  private tail(): string {
    return existsSync(this.console) ? readFileSync(this.console, "utf8").slice(-4000) : "";
  }

  get hostKey(): string {
    return readFileSync(join(this.base, "host_key.pub"), "utf8").trim();
  }
  get identityFile(): string {
    return join(this.base, "key");
  }
  /** sudo's password of user op. */
  get password(): string {
    return readFileSync(join(this.base, "password"), "utf8").trim();
  }

  private sshWords(user: User): string[] {
    const options = [
      ...[
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "LogLevel=ERROR",
        "BatchMode=yes",
      ],
      ...[
        "ConnectTimeout=60",
        "ServerAliveInterval=30",
        "ServerAliveCountMax=10",
        "IdentitiesOnly=yes",
      ],
    ];
    return [
      ...["-F", "/dev/null", "-i", this.identityFile],
      ...options.flatMap((option) => ["-o", option]),
      ...["-p", String(this.port), "-l", user],
    ];
  }

  /** Runs a shell command in the host. */
  ssh(user: User, command: string, options: RunOptions = {}): Promise<RunResult> {
    return run(["ssh", ...this.sshWords(user), "127.0.0.1", command], {
      timeoutMs: 600_000,
      ...options,
    });
  }

  /** The output of a command that has to succeed. */
  async out(user: User, command: string, timeoutMs = 600_000): Promise<string> {
    const ended = await this.ssh(user, command, { timeoutMs });
    assert.equal(
      ended.code,
      0,
      `${command}: ${ended.stderr}${ended.stdout.toString().slice(-2000)}`,
    );
    return ended.stdout.toString().trim();
  }

  /** What virsh says of the system's libvirt to root, as a shell command. */
  virsh(words: string): Promise<string> {
    return this.out("root", `virsh -q -c qemu:///system ${words}`);
  }

  /** Runs a shell command at a terminal of the host, and types an answer each time that it is asked for. */
  atTerminal(user: User, command: string, prompt: string, answer: string): Promise<Typed> {
    const child = spawn("ssh", ["-tt", ...this.sshWords(user), "127.0.0.1", command], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    return answering(child, prompt, answer);
  }

  /** As a power cut: what the host has not written is lost. */
  async powerLoss(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child?.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.powerLoss();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether an sshd says its name. QEMU accepts a connection that nobody answers. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(15_000, () => end(false));
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
    socket.once("data", (text) => end(text.toString().startsWith("SSH-")));
  });
}

/** Removes folders of runs whose process is gone. */
function removeDead(): void {
  for (const name of readdirSync(CACHE)) {
    const pid = /^run-(\d+)-/.exec(basename(name))?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}

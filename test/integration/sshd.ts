/** A real OpenSSH server on loopback, with its own keys, for the user who runs the test. */
import { ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { run } from "../../core/exec.io";
import { knownHostsLine, sshConfigBlock } from "../../core/sshConfig";
import { SshTarget } from "../../core/target";
import { freePort } from "./loopback";

const PROGRAM = "/usr/sbin/sshd";
type KeyType = "ed25519" | "ecdsa" | "rsa";

/** Why no server can be started here, or undefined. */
export const noSshd = existsSync(PROGRAM)
  ? undefined
  : `found no ${PROGRAM}; need it for this test; fix: install package openssh-server`;

interface SshdOptions {
  /** Host keys that the server offers. @default ed25519, ecdsa and rsa, as usual */
  readonly hostKeys?: readonly KeyType[];
  /** Command that runs for every login in place of the client's. */
  readonly forced?: string;
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
}

/** Creates a key pair, and returns the public key. */
export async function makeKey(file: string, type: KeyType = "ed25519"): Promise<string> {
  const ended = await run(["ssh-keygen", "-q", "-t", type, "-N", "", "-C", "test", "-f", file]);
  if (ended.code !== 0) throw new Error(`ssh-keygen: ${ended.stderr}`);
  return readFileSync(`${file}.pub`, "utf8").trim();
}

/** A real ssh-agent, which this process' children ask until it stops. */
export class Agent {
  private constructor(
    private readonly child: ChildProcess,
    private readonly before: string | undefined,
  ) {}

  static async start(socket: string): Promise<Agent> {
    const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    for (let i = 0; i < 100 && !existsSync(socket); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const agent = new Agent(child, process.env.SSH_AUTH_SOCK);
    process.env.SSH_AUTH_SOCK = socket;
    return agent;
  }

  async add(keyFile: string): Promise<void> {
    const ended = await run(["ssh-add", "-q", keyFile]);
    if (ended.code !== 0) throw new Error(`ssh-add: ${ended.stderr}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((resolve) => this.child.on("close", resolve));
      this.child.kill();
      await ended;
    }
    if (this.before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = this.before;
  }
}

/** A connection to a server on loopback that accepts this host key alone; its files go to the folder. */
export function pinnedTarget(
  { port, user, identityFile }: Pick<Sshd, "port" | "user" | "identityFile">,
  { folder, alias, hostKey }: { folder: string; alias: string; hostKey: string },
): SshTarget {
  const [config, knownHostsFile] = [join(folder, "ssh_config"), join(folder, "known_hosts")];
  writeFileSync(knownHostsFile, knownHostsLine(alias, hostKey));
  const host = { alias, hostName: "127.0.0.1", port, user, identityFile };
  writeFileSync(config, sshConfigBlock({ ...host, knownHostsFile }));
  return { config, alias, ...(user === "root" ? { root: true } : {}) };
}

/** Lets a public key in. */
export function authorize({ folder }: { readonly folder: string }, publicKey: string): void {
  appendFileSync(join(folder, "authorized_keys"), `${publicKey}\n`);
}

export class Sshd {
  readonly user = userInfo().username;
  private child: ChildProcess | undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    /** Public host keys by type. */
    readonly hostKeys: ReadonlyMap<KeyType, string>,
  ) {}

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const folder = mkdtempSync(join(tmpdir(), "mirlab-sshd-"));
    const types = options.hostKeys ?? ["ed25519", "ecdsa", "rsa"];
    const keys = new Map<KeyType, string>();
    for (const type of types) keys.set(type, await makeKey(join(folder, `host_${type}`), type));
    const client = await makeKey(join(folder, "id_ed25519"));
    writeFileSync(join(folder, "authorized_keys"), `${client}\n`, { mode: 0o600 });
    const sshd = new Sshd(folder, await freePort(), keys);
    const lines = [
      `Port ${sshd.port}`,
      "ListenAddress 127.0.0.1",
      ...types.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
      `AuthorizedKeysFile ${join(folder, "authorized_keys")}`,
      "PidFile none",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      // Other users may write to /tmp, the folder's parent.
      "StrictModes no",
      "UsePAM no",
      "LogLevel VERBOSE",
      ...(options.lines ?? []),
      ...(options.forced === undefined ? [] : [`ForceCommand ${options.forced}`]),
    ];
    writeFileSync(join(folder, "sshd_config"), `${lines.join("\n")}\n`);
    // sshd of root does not start without this folder; the package creates it at boot.
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    await sshd.listen();
    return sshd;
  }

  get identityFile(): string {
    return join(this.folder, "id_ed25519");
  }

  /** The server's log. */
  get log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  hostKey(type: KeyType = "ed25519"): string {
    const key = this.hostKeys.get(type);
    if (key === undefined) throw new Error(`this sshd has no ${type} key`);
    return key;
  }

  private async listen(): Promise<void> {
    const args = ["-D", "-E", join(this.folder, "log"), "-f", join(this.folder, "sshd_config")];
    this.child = spawn(PROGRAM, args, { stdio: "ignore" });
    for (let i = 0; i < 200; i++) {
      if (this.child.exitCode !== null) break;
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`sshd does not listen: ${this.log}`);
  }

  /** Stops the server and its clients' commands. */
  async stop(): Promise<void> {
    const child = this.child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.on("close", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

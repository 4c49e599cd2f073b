/** Tries what each client of a lab host by SSH will do there, beside the commands that OpenSSH runs. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOGIN_MS, targetArgv } from "../../core/link.io";
import { run } from "../../core/exec.io";
import { SshTarget } from "../../core/target";
import { Finding } from "./checks/finding";

/** Where the libvirt provider looks for libvirt. */
const SOCKET = "/var/run/libvirt/libvirt-sock";
/** Seconds that a login stays for a try: the answer to a channel takes milliseconds. */
const STAY_S = 3;
/** What OpenSSH says of a channel that sshd does not give, whatever it would reach. */
const PROHIBITED = /open failed: (?:administratively prohibited|unknown channel type)/;

interface Client {
  readonly name: string;
  /** sshd's setting. */
  readonly setting: string;
  /** What sshd says of the channel. */
  readonly asks: (host: SshTarget) => Promise<string>;
}

const CLIENTS: readonly Client[] = [
  {
    name: "guests through the host",
    setting: "AllowTcpForwarding",
    // Whether something listens there does not matter.
    asks: async (host) => (await run(ssh(host, ["-W", "127.0.0.1:22"], []))).stderr,
  },
  { name: "the libvirt provider", setting: "AllowStreamLocalForwarding", asks: askForSocket },
];

function ssh(host: SshTarget, options: readonly string[], words: readonly string[]): string[] {
  const [program = "", ...rest] = targetArgv(host, words);
  const argv = [program, "-o", "LogLevel=INFO", ...options, ...rest];
  // `-W` takes no command.
  return words.length === 0 ? argv.slice(0, -1) : argv;
}

async function askForSocket(host: SshTarget): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "mirlab-clients-"));
  const socket = join(folder, "s");
  try {
    const login = run(ssh(host, ["-L", `${socket}:${SOCKET}`], ["sleep", String(STAY_S)]), {
      timeoutMs: LOGIN_MS,
    });
    const ended = login.then(() => true);
    while (!existsSync(socket) && !(await Promise.race([ended, sleep(50, false)])));
    const client = connect(socket).on("error", () => undefined);
    const { stderr } = await login;
    client.destroy();
    return stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One finding: whether sshd lets each client do its part. A host that does not answer is another check's matter. */
export async function tryClients(host: SshTarget): Promise<Finding> {
  const base = {
    id: "ssh-clients",
    group: "machine",
    path: "host.ssh",
    required: "an sshd that forwards TCP and UNIX sockets for its user",
  } as const;
  const said = await Promise.all(CLIENTS.map(({ asks }) => asks(host)));
  const refused = CLIENTS.filter((_, i) => PROHIBITED.test(said[i] ?? ""));
  if (refused.length === 0)
    return { ...base, severity: "ok", found: "commands, guests and libvirt by SSH", fix: "" };
  return {
    ...base,
    severity: "fail",
    found: `no way for ${refused.map(({ name }) => name).join(" and ")}`,
    fix: `on the host, 'sudo sshd -T' names what is set; set ${refused.map(({ setting }) => `${setting} yes`).join(" and ")} for this user, then 'sudo systemctl reload ssh'`,
  };
}

/** Tries the SSH channels that guests and the libvirt provider need of a lab host. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOGIN_MS, sshArgv } from "../../core/link.io";
import { run } from "../../core/exec.io";
import { shellLine } from "../../core/quote";
import { SshTarget } from "../../core/target";
import { Finding } from "./checks/finding";

/** Where the libvirt provider looks for libvirt. */
const SOCKET = "/var/run/libvirt/libvirt-sock";
/** Seconds that a login stays for a try: the answer to a channel takes milliseconds. */
const STAY_S = 3;

/** The lab's SSH configuration leaves refused channels out of the log. */
const SPEAKS = ["-o", "LogLevel=INFO"];

interface Client {
  readonly name: string;
  /** sshd's setting. */
  readonly setting: string;
  /** Whether sshd refuses the channel. */
  readonly refused: (host: SshTarget) => Promise<boolean>;
}

const CLIENTS: readonly Client[] = [
  {
    name: "guests through the host",
    setting: "AllowTcpForwarding",
    // Whether something listens there does not matter.
    refused: async (host) => {
      const { stderr } = await run(sshArgv(host, [...SPEAKS, "-W", "127.0.0.1:22"]));
      return /open failed: administratively prohibited/.test(stderr);
    },
  },
  {
    ...{ name: "the libvirt provider", setting: "AllowStreamLocalForwarding" },
    refused: socketRefused,
  },
];

/**
 * Says whether libvirt listens, then keeps the login. sshd gives one answer for a socket that it may not forward to,
 * and for a socket where nothing listens.
 */
const LISTENS = `grep -q 'libvirt/libvirt-sock$' /proc/net/unix && echo there; sleep ${STAY_S}`;

async function socketRefused(host: SshTarget): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "mirlab-clients-"));
  const socket = join(folder, "s");
  try {
    const forward = [...SPEAKS, "-L", `${socket}:${SOCKET}`];
    const argv = [...sshArgv(host, forward), shellLine(["sh", "-c", LISTENS])];
    const login = run(argv, { timeoutMs: LOGIN_MS });
    const ended = login.then(() => true);
    while (!existsSync(socket) && !(await Promise.race([ended, sleep(50, false)])));
    const client = connect(socket).on("error", () => undefined);
    await Promise.race([ended, sleep(STAY_S * 1000, false)]);
    // The login stays for as long as a channel of it is open.
    client.destroy();
    const { stdout, stderr } = await login;
    return stdout.toString().includes("there") && /^channel \d+: open failed/m.test(stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One finding: whether sshd lets each client do its part. Another check reports a host that does not answer. */
export async function tryClients(host: SshTarget): Promise<Finding> {
  const base = {
    id: "ssh-clients",
    group: "machine",
    path: "host.ssh",
    required: "an sshd that forwards TCP and UNIX sockets for its user",
  } as const;
  const answers = await Promise.all(CLIENTS.map((client) => client.refused(host)));
  const refused = CLIENTS.filter((_, i) => answers[i]);
  if (refused.length === 0)
    return { ...base, severity: "ok", found: "sshd forwards TCP and UNIX sockets", fix: "" };
  return {
    ...base,
    severity: "fail",
    found: `no way for ${refused.map(({ name }) => name).join(" and ")}`,
    fix: `on the host, 'sudo sshd -T' names what is set; set ${refused.map(({ setting }) => `${setting} yes`).join(" and ")} for this user, then 'sudo systemctl reload ssh'`,
  };
}

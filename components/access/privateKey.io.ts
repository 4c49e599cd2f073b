/** Private keys that the user brings: every client of the lab has to be able to use them. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../../core/exec.io";
import { lastLine } from "../../core/plainText";
import { agentSocket } from "../../core/paths";
import { shellWord } from "../../core/quote";
import { GuestConfig, Lab } from "../../config/schema";
import { Finding } from "../host/checks/finding";

/** Three clients use a key: OpenSSH, @pulumi/command and the libvirt provider. Each asks an agent, none a person. */
const REQUIRED = "a private key file without a passphrase, or one whose key is in the SSH agent";
/** How many keys sshd lets a client try (MaxAuthTries); Pulumi's plugins try those of the agent in its order. */
const TRIES = 6;

interface KeyFile {
  /** Configuration key. */
  readonly path: string;
  readonly file: string;
}

const adopted = (guest: GuestConfig, i: number): KeyFile[] =>
  guest.image.source === "existing"
    ? [{ path: `guests[${i}].image.ssh.privateKeyFile`, file: guest.image.ssh.privateKeyFile }]
    : [];

/** The keys that a configuration names: a finding for each, and which of them the agent has. */
export interface Keys {
  readonly findings: readonly Finding[];
  /** Files whose key the agent uses. */
  readonly inAgent: ReadonlySet<string>;
}

/** One finding for each key that the configuration names. Reads the files, and asks the agent. */
export async function lookAtKeys(lab: Lab): Promise<Keys> {
  const { ssh } = lab.host;
  const files: KeyFile[] = [
    ...(ssh === undefined ? [] : [{ path: "host.ssh.privateKeyFile", file: ssh.privateKeyFile }]),
    ...lab.guests.flatMap(adopted),
  ];
  const agent = files.length === 0 ? [] : await agentKeys();
  const judgements = await Promise.all(files.map((file) => judged(file, agent)));
  const inAgent = new Set(judgements.flatMap((j) => (j.agent ? [j.file] : [])));
  return { findings: judgements.map(({ finding }) => finding), inAgent };
}

/** Fingerprints of the agent's keys, in its order; none without an agent. */
async function agentKeys(): Promise<string[]> {
  if ((process.env.SSH_AUTH_SOCK ?? "") === "") return [];
  const asked = await run(["ssh-add", "-l", "-E", "sha256"]);
  return asked.code === 0 ? (asked.stdout.toString().match(/SHA256:\S+/g) ?? []) : [];
}

/** Renews the link that the state has for the agent's socket, which is another one after each login. */
export function linkAgent(): void {
  const name = agentSocket();
  if (name === process.env.SSH_AUTH_SOCK) return;
  mkdirSync(dirname(name), { recursive: true, mode: 0o700 });
  const fresh = `${name}.${process.pid}`;
  rmSync(fresh, { force: true });
  symlinkSync(process.env.SSH_AUTH_SOCK ?? "", fresh);
  renameSync(fresh, name);
}

interface Judgement {
  readonly file: string;
  readonly finding: Finding;
  /** The agent uses the key. */
  readonly agent: boolean;
}

async function judged({ path, file }: KeyFile, agentHas: readonly string[]): Promise<Judgement> {
  const base = { id: "ssh-key", group: "machine", path, required: REQUIRED } as const;
  const own = `ssh-keygen -t ed25519 -N '' -f ${shellWord(`${file}-lab`)}`;
  const fail = (found: string, fix: string): Judgement => ({
    ...{ file, agent: false },
    finding: { ...base, severity: "fail", found, fix },
  });
  const ok = (found: string, agent = false): Judgement => ({
    ...{ file, agent },
    finding: { ...base, severity: "ok", found, fix: "" },
  });
  if (!existsSync(file))
    return fail(`no file ${file}`, `${own}, add its public half to authorized_keys, and name it`);
  const asked = await run(["ssh-keygen", "-y", "-P", "", "-f", file]);
  if (asked.code === -1) return ok(`${file}, not looked at: no ssh-keygen`);
  const locked = asked.code !== 0 && /incorrect passphrase/i.test(asked.stderr);
  if (asked.code !== 0 && !locked)
    return fail(
      `${file}, which is no private key (${lastLine(asked.stderr)})`,
      "name the private half, without .pub, readable by you alone",
    );
  const [type = ""] = asked.stdout.toString().split(" ");
  if (!locked && !type.startsWith("sk-")) return ok(`${file} (${type})`);
  const print = await run(["ssh-keygen", "-l", "-E", "sha256", "-f", file]);
  const place = agentHas.indexOf(/SHA256:\S+/.exec(print.stdout.toString())?.[0] ?? "none");
  if (place >= TRIES)
    return fail(
      `${file} as key ${place + 1} of the agent, of which a server takes ${TRIES}`,
      `'ssh-add -D; ssh-add ${shellWord(file)}', or a key of the lab's own: ${own}`,
    );
  if (place >= 0) return ok(`${file}, by the agent`, true);
  const kind = locked ? "with a passphrase" : `of a security key (${type})`;
  return fail(
    `${file} ${kind}, which is not in the agent`,
    `ssh-add ${shellWord(file)}; or a key of the lab's own: ${own}, add its public half to authorized_keys, and name it`,
  );
}

/** Provider of GuestAccess: a guest's keys and ticket, SSH configuration and viewer file. */
import { chmod, mkdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { SSH_CONFIG } from "../../core/paths";
import { knownHostsLine, sshConfigBlock, SshHost } from "../../core/sshConfig";
import { Screen, viewerFile } from "./viewer";
import { removeEvidence } from "../report/evidence.io";
import { run } from "../../core/exec.io";
import { textOf, writeWhole } from "../../core/privateFile.io";
import { ensureScreenCertificate, screenCertificate, TLS_FILES } from "./screenCertificate.io";
import { ensureTicket, TICKET_FILE, ticketOf } from "./ticket.io";

export interface GuestAccessInputs {
  /** Folder for the files, on the machine that runs Pulumi; created with mode 0700. */
  readonly directory: string;
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** An installed guest's own key file; unset: the lab generates a key. */
  readonly identityFile?: string;
  /** An installed guest's public host key; unset: the lab generates a key and injects it. */
  readonly hostKey?: string;
  /** Configuration block of the lab host to jump through, when it is not this machine. */
  readonly jump?: SshHost;
  /** The guest's screen, as a viewer sees it. */
  readonly screen: Screen;
}

export interface GuestAccessProps extends GuestAccessInputs {
  readonly clientPublicKey: string;
  readonly hostPublicKey: string;
  /** SHA-256 of the screen's certificate; empty without TLS. */
  readonly certificate?: string;
  /** False when a file is missing or has changed; an update restores it. */
  readonly intact: boolean;
}

/** Names of the files in a guest's folder. */
export const ACCESS_FILES = {
  client: "id_ed25519",
  host: "host_ed25519",
  config: SSH_CONFIG,
  known: "known_hosts",
  viewer: "console.vv",
  ticket: TICKET_FILE,
} as const;

/** Whether two public key lines have the same key, apart from their comments. */
function sameKey(a: string, b: string): boolean {
  const key = (line: string): string => line.split(" ").slice(0, 2).join(" ");
  return key(a) === key(b);
}

/**
 * Generates an ed25519 key pair unless it exists; returns the public half. It is derived from the
 * private half: a changed `.pub` would pin a key that the guest does not have.
 */
async function ensureKey(path: string, comment: string): Promise<string> {
  if ((await textOf(path)) !== undefined) {
    const derived = await run(["ssh-keygen", "-y", "-P", "", "-f", path]);
    if (derived.code !== 0) {
      throw new Error(
        `${path}: found no readable private key; need one; fix: move the file away, then run 'up'`,
      );
    }
    const line = derived.stdout.toString().trim();
    const kept = (await textOf(`${path}.pub`))?.trim();
    if (kept !== undefined && sameKey(kept, line)) return kept;
    await writeWhole(`${path}.pub`, `${line}\n`);
    return line;
  }
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await rm(`${fresh}.pub`, { force: true });
  const generated = await run([
    "ssh-keygen",
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-C",
    comment,
    "-f",
    fresh,
  ]);
  if (generated.code !== 0) {
    const reason = generated.stderr.trim();
    throw new Error(`ssh-keygen: found '${reason}'; need a key pair; fix: install openssh-client`);
  }
  // Rename the private half last: when it exists, the pair is complete.
  await rename(`${fresh}.pub`, `${path}.pub`);
  await rename(fresh, path);
  return (await readFile(`${path}.pub`, "utf8")).trim();
}

function files(
  inputs: GuestAccessInputs,
  hostPublicKey: string,
  { ticket, authority }: { readonly ticket: string; readonly authority: string | undefined },
): Map<string, string> {
  const known = join(inputs.directory, ACCESS_FILES.known);
  const config = join(inputs.directory, ACCESS_FILES.config);
  const { jump, ...access } = inputs;
  const guest = sshConfigBlock({
    ...access,
    identityFile: inputs.identityFile ?? join(inputs.directory, ACCESS_FILES.client),
    knownHostsFile: known,
    ...(jump === undefined ? {} : { jump: { alias: jump.alias, config } }),
  });
  return new Map([
    [config, jump === undefined ? guest : guest + sshConfigBlock(jump)],
    [known, knownHostsLine(inputs.alias, hostPublicKey)],
    [join(inputs.directory, ACCESS_FILES.viewer), viewerFile(inputs.screen, ticket, authority)],
  ]);
}

async function ensure(inputs: GuestAccessInputs): Promise<GuestAccessProps> {
  await mkdir(inputs.directory, { recursive: true, mode: 0o700 });
  await chmod(inputs.directory, 0o700);
  const at = (name: string): string => join(inputs.directory, name);
  const clientPublicKey =
    inputs.identityFile === undefined ? await ensureKey(at(ACCESS_FILES.client), "mirlab") : "";
  const hostPublicKey = inputs.hostKey ?? (await ensureKey(at(ACCESS_FILES.host), inputs.alias));
  const ticket = await ensureTicket(inputs.directory);
  const { authority, certificate } = await ensureScreenCertificate(inputs);
  const secrets = { ticket, authority };
  for (const [path, text] of files(inputs, hostPublicKey, secrets)) await writeWhole(path, text);
  return { ...plain(inputs), clientPublicKey, hostPublicKey, certificate, intact: true };
}

async function isIntact(props: GuestAccessProps): Promise<boolean> {
  const ticket = await ticketOf(props.directory);
  if (ticket === undefined) return false;
  const { authority, certificate } = await screenCertificate(props);
  // A state of an earlier version has no certificate.
  if (certificate !== (props.certificate ?? "")) return false;
  for (const [path, text] of files(props, props.hostPublicKey, { ticket, authority })) {
    if ((await textOf(path)) !== text) return false;
  }
  const own: [string | undefined, string, string][] = [
    [props.identityFile, ACCESS_FILES.client, props.clientPublicKey],
    [props.hostKey, ACCESS_FILES.host, props.hostPublicKey],
  ];
  for (const [given, name, publicKey] of own) {
    if (given !== undefined) continue;
    const path = join(props.directory, name);
    if ((await textOf(path)) === undefined) return false;
    if ((await textOf(`${path}.pub`))?.trim() !== publicKey) return false;
  }
  return true;
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
function plain(inputs: GuestAccessInputs): GuestAccessInputs {
  const { directory, alias, hostName, port, user, identityFile, hostKey, jump, screen } = inputs;
  return {
    ...{ directory, alias, hostName, port, user, screen },
    ...(identityFile === undefined ? {} : { identityFile }),
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(jump === undefined ? {} : { jump }),
  };
}

export const provider: pulumi.dynamic.ResourceProvider<GuestAccessInputs, GuestAccessProps> = {
  async create(inputs) {
    return { id: inputs.alias, outs: await ensure(inputs) };
  },
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    return { id, props: { ...props, intact: await isIntact(props) } };
  },
  async diff(_id, olds, news) {
    const moved = olds.directory !== news.directory || olds.alias !== news.alias;
    const changed = !olds.intact || !isDeepStrictEqual(plain(olds), plain(news));
    return {
      changes: moved || changed,
      replaces: moved ? ["directory"] : [],
      deleteBeforeReplace: true,
    };
  },
  async update(_id, _olds, news) {
    return { outs: await ensure(news) };
  },
  async delete(_id, props) {
    for (const name of Object.values(ACCESS_FILES)) {
      await rm(join(props.directory, name), { force: true });
      await rm(join(props.directory, `${name}.pub`), { force: true });
    }
    // A guest that failed before its readiness check has evidence too.
    await removeEvidence(props.directory);
    for (const name of Object.values(TLS_FILES))
      await rm(join(props.directory, name), { force: true });
    // The folder stays if it has files that are not the lab's.
    await rmdir(props.directory).catch(() => undefined);
  },
};

/** How the libvirt provider reaches a lab host: its URI, and a part of its SSH configuration. Pure. */
import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import { visible } from "../../core/plainText";
import type { SshHost } from "../../core/sshConfig";

/** The provider expands `$NAME` in a path as a variable. */
function filePath(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (!/[$\u0000-\u001f]/.test(path) && path.isWellFormed()) return path;
  throw new Error(
    `libvirt URI: found the path '${visible(path)}'; need one without '$' and control characters; ` +
      `fix: choose another MIRLAB_HOME or host.ssh.privateKeyFile`,
  );
}

/** An SSH server with its pinned key. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** `TYPE BASE64`, with or without a comment. */
  readonly hostKey: string;
}

/** Blocks of `.ssh/config` under names that no other connection has. */
export interface ProviderConfig {
  /** Name of the lab host in the blocks. */
  readonly alias: string;
  readonly text: string;
}

const keyType = (hostKey: string): string => hostKey.split(" ", 1)[0] ?? "";

/** The provider asks a server for its ed25519 key first, whichever key is pinned. */
const hostKeyAlgorithms = (hostKey: string): string =>
  keyType(hostKey) === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256,ssh-rsa" : keyType(hostKey);

/** What the URI has no place for: a jump host, or a pinned key that is not ed25519. Undefined: the URI is enough. */
export function providerConfig(host: Server, jump: Server | undefined): ProviderConfig | undefined {
  if (jump === undefined && keyType(host.hostKey) === "ssh-ed25519") return undefined;
  const servers = [host, ...(jump === undefined ? [] : [jump])];
  const text = servers.map((s) => [s.host, s.port, keyType(s.hostKey)].join(" ")).join("\n");
  const alias = `mirlab-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  const block = (name: string, server: Server): string[] => [
    `Host ${name}`,
    `  HostName ${server.host}`,
    `  Port ${server.port}`,
    `  HostKeyAlgorithms ${hostKeyAlgorithms(server.hostKey)}`,
  ];
  const lines = [
    ...block(alias, host),
    ...(jump === undefined ? [] : [`  ProxyJump ${alias}-jump`, ...block(`${alias}-jump`, jump)]),
  ];
  return { alias, text: `${lines.join("\n")}\n` };
}

/** This machine, or SSH with the pinned key; `alias`: the host's name in the provider's SSH configuration. */
export function libvirtUri(host: SshHost | undefined, alias?: string): string {
  if (host === undefined) return "qemu:///system";
  const name = isIPv6(host.hostName) ? `[${host.hostName}]` : host.hostName;
  // Of two ways to use a key the provider tries one.
  const query = new URLSearchParams({
    ...(host.inAgent ? {} : { keyfile: filePath(host.identityFile) }),
    knownhosts: filePath(host.knownHostsFile),
    sshauth: host.inAgent ? "agent" : "privkey",
  });
  const at = alias ?? `${name}:${host.port}`;
  return `qemu+ssh://${encodeURIComponent(host.user)}@${at}/system?${query.toString()}`;
}

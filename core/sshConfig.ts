/** OpenSSH client configuration with pinned host keys. Pure. */
import { visible } from "./plainText";

export interface SshHost {
  /** The name that is used on the command line. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** Alias of another host in the same file to go through. */
  readonly proxyJump?: string;
}

/** A path as the configuration reads it back: quoted, and nothing left to expand or to escape. */
function filePath(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/["\\\u0000-\u001f]|\$\{/.test(path)) {
    throw new Error(
      `an SSH configuration cannot name the path '${visible(path)}'; choose another MIRLAB_HOME`,
    );
  }
  return `"${path.replaceAll("%", "%%")}"`;
}

/** A `Host` block. Only the pinned key is accepted, only the named identity is offered. */
export function sshConfigBlock(host: SshHost): string {
  const lines: [string, string | number][] = [
    ["HostName", host.hostName],
    ["Port", host.port],
    ["User", host.user],
    ["IdentityFile", filePath(host.identityFile)],
    ["IdentitiesOnly", "yes"],
    ["UserKnownHostsFile", filePath(host.knownHostsFile)],
    ["GlobalKnownHostsFile", "/dev/null"],
    ["HostKeyAlias", host.alias],
    ["StrictHostKeyChecking", "yes"],
    ["UpdateHostKeys", "no"],
    ["PasswordAuthentication", "no"],
    ["KbdInteractiveAuthentication", "no"],
    ["LogLevel", "ERROR"],
  ];
  if (host.proxyJump !== undefined) lines.push(["ProxyJump", host.proxyJump]);
  return [`Host ${host.alias}`, ...lines.map(([key, value]) => `  ${key} ${value}`), ""].join("\n");
}

/** A known_hosts line; the alias stands for the address, which other guests share. */
export function knownHostsLine(alias: string, publicKey: string): string {
  return `${alias} ${publicKey.split(" ").slice(0, 2).join(" ")}\n`;
}

/** An address as known_hosts writes it: `[host]:port`, or the bare host on port 22. */
export function knownHostsAddress(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

/** OpenSSH client configuration with pinned host keys. Pure. */
import { visible } from "./plainText";
import { shellLine } from "./quote";

export interface SshHost {
  /** The host name to use on the command line. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  /** The agent has the key. @default the file has it, without a passphrase */
  readonly inAgent?: true;
  /** The jump host: its alias, and the configuration file that has both. */
  readonly jump?: { readonly alias: string; readonly config: string };
}

/** A quoted path in which OpenSSH expands and unescapes nothing. Throws on a path that it would. */
function filePath(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (/["\\\u0000-\u001f]|\$\{/.test(path)) {
    throw new Error(
      `SSH configuration: found path '${visible(path)}'; need one without quotes, backslashes, control characters and \${; fix: choose another MIRLAB_HOME`,
    );
  }
  return `"${path.replaceAll("%", "%%")}"`;
}

/**
 * What ProxyJump does, with the file's path quoted: OpenSSH itself hands `-F` on as it is, to a shell. It
 * expands `%` in the whole command.
 */
function proxyCommand({ alias, config }: NonNullable<SshHost["jump"]>): string {
  const ssh = shellLine(["ssh", "-F", config]).replaceAll("%", "%%");
  return `${ssh} -W '[%h]:%p' ${alias}`;
}

/** A `Host` block: ssh accepts only the pinned host key and offers only the named identity. */
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
  if (host.jump !== undefined) lines.push(["ProxyCommand", proxyCommand(host.jump)]);
  return [`Host ${host.alias}`, ...lines.map(([key, value]) => `  ${key} ${value}`), ""].join("\n");
}

/** A known_hosts line by alias: several guests share an address. */
export function knownHostsLine(alias: string, publicKey: string): string {
  return `${alias} ${publicKey.split(" ").slice(0, 2).join(" ")}\n`;
}

/** An address in the form of known_hosts: `[host]:port`, or the bare host for port 22. */
export function knownHostsAddress(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

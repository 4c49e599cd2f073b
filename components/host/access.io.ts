/** How to reach the lab host: as this machine, or by SSH with the pinned key of the configuration. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostConfig } from "../../config/schema";
import { libvirtUri } from "./libvirtUri";
import { knownHostsAddress, knownHostsLine, SshHost, sshConfigBlock } from "../../core/sshConfig";
import { SshTarget } from "../../core/target";
import { labFolder } from "../../core/paths";

export interface HostAccess {
  /** Where host scripts run; undefined is this machine. */
  readonly target: SshTarget | undefined;
  /** The host as a hop to its guests; undefined is this machine. */
  readonly jump: SshHost | undefined;
  /** The host's URI for the libvirt provider. */
  readonly uri: string;
}

/** `Host` alias of the lab host in the SSH configurations that the lab writes. */
const HOST_ALIAS = "mirlab-host";

/**
 * Writes the host's SSH configuration when it needs one. The same input writes the same files. `inAgent`: files whose
 * key the agent has.
 */
export function hostAccess(
  host: HostConfig,
  stack: string,
  inAgent: ReadonlySet<string> = new Set(),
): HostAccess {
  const { ssh } = host;
  if (ssh === undefined) return { target: undefined, jump: undefined, uri: libvirtUri(undefined) };
  const folder = join(labFolder(stack), "host");
  const jump: SshHost = {
    alias: HOST_ALIAS,
    hostName: ssh.host,
    port: ssh.port,
    user: ssh.user,
    identityFile: ssh.privateKeyFile,
    knownHostsFile: join(folder, "known_hosts"),
    ...(inAgent.has(ssh.privateKeyFile) ? { inAgent: true } : {}),
  };
  const config = join(folder, "ssh_config");
  const uri = libvirtUri(jump);
  // The libvirt provider looks the key up by address, OpenSSH by our alias.
  const names = [HOST_ALIAS, knownHostsAddress(ssh.host, ssh.port)];
  const known = names.map((name) => knownHostsLine(name, ssh.hostKey)).join("");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(jump.knownHostsFile, known, { mode: 0o600 });
  writeFileSync(config, sshConfigBlock(jump), { mode: 0o600 });
  return { target: { config, alias: HOST_ALIAS }, jump, uri };
}

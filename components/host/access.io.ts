/** How to reach the lab host: as this machine, or by SSH with the pinned key of the configuration. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostConfig } from "../../config/schema";
import { libvirtUri, ProviderConfig, providerConfig, Server } from "./libvirtUri";
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
  /** SSH configuration that the provider needs beside the URI; see `configureProvider`. */
  readonly provider?: ProviderConfig;
}

/** `Host` aliases of the lab host and of its jump host in the SSH configurations that the lab writes. */
const HOST_ALIAS = "mirlab-host";
const JUMP_ALIAS = "mirlab-jump";

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
  const config = join(folder, "ssh_config");
  const login = {
    user: ssh.user,
    identityFile: ssh.privateKeyFile,
    knownHostsFile: join(folder, "known_hosts"),
    ...(inAgent.has(ssh.privateKeyFile) ? { inAgent: true as const } : {}),
  };
  const at = (alias: string, { host, port }: Server): SshHost => ({
    ...{ alias, hostName: host, port },
    ...login,
  });
  const jumpHosts = ssh.jump === undefined ? [] : [ssh.jump];
  const jump: SshHost = {
    ...at(HOST_ALIAS, ssh),
    ...(ssh.jump === undefined ? {} : { jump: { alias: JUMP_ALIAS, config } }),
  };
  const provider = providerConfig(ssh, ssh.jump);
  const uri = libvirtUri(jump, provider?.alias);
  // The libvirt provider looks the key up by address, OpenSSH by our alias.
  const known = (alias: string, { host, port, hostKey }: Server): string =>
    [alias, knownHostsAddress(host, port)].map((name) => knownHostsLine(name, hostKey)).join("");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = [known(HOST_ALIAS, ssh), ...jumpHosts.map((server) => known(JUMP_ALIAS, server))];
  const hosts = [jump, ...jumpHosts.map((server) => at(JUMP_ALIAS, server))];
  writeFileSync(login.knownHostsFile, keys.join(""), { mode: 0o600 });
  writeFileSync(config, hosts.map(sshConfigBlock).join(""), { mode: 0o600 });
  return {
    ...{ target: { config, alias: HOST_ALIAS }, jump, uri },
    ...(provider === undefined ? {} : { provider }),
  };
}

/**
 * Adds the blocks to the SSH configuration in the provider's home, which bin/pulumi creates. Labs share the file, so
 * blocks are only added, each in one write. Throws where the provider has the user's home.
 */
export function configureProvider({ alias, text }: ProviderConfig): void {
  const home = process.env.MIRLAB_PROVIDER_HOME;
  if (home === undefined) {
    throw new Error(
      "host.ssh: found a jump host, or a host key that is not ed25519, and a libvirt provider with your own " +
        "~/.ssh/config, which is not written to; need the provider's own; fix: use bin/lab or bin/pulumi",
    );
  }
  const file = join(home, ".ssh", "config");
  if (existsSync(file) && readFileSync(file, "utf8").includes(`Host ${alias}\n`)) return;
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  appendFileSync(file, text, { mode: 0o600 });
}

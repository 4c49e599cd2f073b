/** Paths of the project's files on the machine that runs Pulumi. */
import { homedir } from "node:os";
import { join } from "node:path";

/** `$MIRLAB_HOME`, else `$XDG_STATE_HOME/mirlab`, else `~/.local/state/mirlab`, as in bin/pulumi. */
export function mirlabHome(): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state");
  return process.env.MIRLAB_HOME ?? join(state, "mirlab");
}

/** Longest path of a socket, bytes (sun_path of Linux). */
const SOCKET_BYTES = 107;

/** The SSH agent's socket, for states: a link to that of this login, or that itself where the link's path is too long. */
export function agentSocket(): string {
  const name = join(mirlabHome(), "agent");
  return Buffer.byteLength(name) <= SOCKET_BYTES ? name : (process.env.SSH_AUTH_SOCK ?? name);
}

/** The folder with a folder for each lab. */
export function labsFolder(): string {
  return join(mirlabHome(), "labs");
}

/** The folder of one lab: keys, SSH configuration, pictures. */
export function labFolder(lab: string): string {
  return join(labsFolder(), lab);
}

/** Name of a guest's SSH configuration in its folder. */
export const SSH_CONFIG = "ssh_config";

/** The report on a guest's last look; `folder` is the guest's folder in the lab's folder. */
export function reportFile(folder: string): string {
  return join(folder, "results", "report.html");
}

/** Where the project keeps its own files on the machine that runs Pulumi. */
import { homedir } from "node:os";
import { join } from "node:path";

/** `$MIRLAB_HOME`, else `$XDG_STATE_HOME/mirlab`, else `~/.local/state/mirlab`; as bin/pulumi. */
export function mirlabHome(): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), ".local", "state");
  return process.env.MIRLAB_HOME ?? join(state, "mirlab");
}

/** Folder of one lab: keys, SSH configuration, pictures. */
export function labFolder(stack: string): string {
  return join(mirlabHome(), "labs", stack);
}

/** The report of the last look at a guest; `folder` is the guest's in its lab's. */
export function reportFile(folder: string): string {
  return join(folder, "results", "report.html");
}

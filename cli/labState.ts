/** The lab in the stack's state, for verbs that ask before they take a disk. */
import { run } from "../core/exec.io";
import { RecordedLab, recordedLab, StateResource } from "../components/lab/recorded";
import { putBack, StackExport } from "./putBack";
import { Refusal } from "./refusal";

const ENGINE_MS = 300_000;

async function exported(stack: string): Promise<StackExport> {
  const asked = await run(["bin/pulumi", "stack", "export", "--stack", stack], {
    timeoutMs: ENGINE_MS,
  });
  if (asked.code !== 0) throw new Refusal(asked.stderr.trim());
  return JSON.parse(asked.stdout.toString()) as StackExport;
}

/** What the state holds of the lab now. */
export async function labInState(stack: string): Promise<RecordedLab> {
  const { deployment } = await exported(stack);
  const living = (deployment.resources ?? []).filter((resource) => resource.delete !== true);
  return recordedLab(
    living.map(({ urn, type, outputs }): StateResource => ({ urn, type, outputs })),
  );
}

/**
 * Makes the disk that a reset has replaced the guest's disk again, in the state: the next `up` starts the
 * guest on it and deletes the new one. False: no replaced disk is there any more.
 */
export async function putDiskBack(stack: string, guest: string): Promise<boolean> {
  const before = await exported(stack);
  const after = putBack(before, guest);
  if (after === undefined) return false;
  const imported = await run(["bin/pulumi", "stack", "import", "--stack", stack], {
    stdin: JSON.stringify(after),
    timeoutMs: ENGINE_MS,
  });
  if (imported.code !== 0) throw new Refusal(imported.stderr.trim());
  return true;
}

/** What the host says after the engine failed: a provider's error names neither cause nor fix. */
import { findingText } from "../components/host/checks/finding";
import { labInState } from "./labState";
import { fileOf } from "./stack";
import { say, wasInterrupted } from "./terminal";

/** Waits for the engine; where it fails, prints what the host says of it, and throws the engine's own error. */
export async function explained<T>(stack: string, asked: Promise<T>): Promise<T> {
  return asked.catch(async (error: Error) => {
    await explainHost(stack);
    throw error;
  });
}

/**
 * Prints what is wrong with the host's libvirt, and what `up` repairs. The program itself names other failures.
 * Never throws.
 */
async function explainHost(stack: string): Promise<void> {
  if (wasInterrupted()) return;
  const { examine } = await import("./examine");
  try {
    // Without a lab the engine has asked no libvirt.
    if ((await labInState(stack)).poolPath === undefined) return;
    const { findings, host } = await examine(fileOf(stack), stack);
    const failed = findings.filter((f) => f.severity === "fail" && f.group === "libvirt");
    const repaired = findings.filter(({ upRepairs }) => upRepairs);
    for (const finding of failed) say(findingText(finding));
    for (const { id, found } of repaired) say(`${host}: ${id}: ${found}`);
    if (failed.length === 0 && repaired.length > 0) say("run 'lab up', which repairs this");
  } catch (error) {
    say((error as Error).message);
  }
}

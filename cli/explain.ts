/** What the host says after the engine failed: a provider's words name neither cause nor fix. */
import { findingText } from "../components/host/checks/finding";
import { labInState } from "./labState";
import { fileOf } from "./stack";
import { say, wasInterrupted } from "./terminal";

/**
 * Prints what is wrong with the host's libvirt, and what `up` repairs. Other failures the program has named, where
 * the engine got so far as to run it. Never throws.
 */
export async function explainHost(stack: string): Promise<void> {
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
    if (failed.length === 0 && repaired.length > 0) say("'lab up' repairs this, then asks again");
  } catch (error) {
    say((error as Error).message);
  }
}

import * as pulumi from "@pulumi/pulumi";
import { runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";

/**
 * A hook that runs before a libvirt resource is created and removes an orphan of the same name: a
 * run that was killed after libvirt's answer left it in libvirt, but not in the state. The hook
 * removes only what carries the lab's mark, and refuses anything else.
 */
export function clearOrphan(
  name: string,
  host: Target,
  words: (inputs: { readonly name: string; readonly pool: string }) => string[],
): pulumi.ResourceHook {
  return new pulumi.ResourceHook(name, ({ newInputs }) =>
    runHook(host, "orphan.sh", words(newInputs as { name: string; pool: string })),
  );
}

/** A hook that runs after a network is created and reconnects guests that ran on the old one. */
export function plugGuests(name: string, host: Target, network: string): pulumi.ResourceHook {
  return new pulumi.ResourceHook(name, () => runHook(host, "heal.sh", ["network", network]));
}

async function runHook(host: Target, script: string, words: string[]): Promise<void> {
  const result = await runOnHost(host, script, words, { timeoutMs: 180_000 });
  if (result.code !== 0) throw new Error(result.stderr.trim());
  if (result.stderr !== "") void pulumi.log.info(result.stderr.trim());
}

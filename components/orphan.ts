import * as pulumi from "@pulumi/pulumi";
import { runOnHost, Target } from "../io/link";

/**
 * A hook that runs before a libvirt resource is created and makes way for it: names are unique in
 * libvirt, and a run that was killed after libvirt's answer left the resource without a note in the
 * state. Only what carries the lab's mark goes; anything else is refused.
 */
export function clearOrphan(
  name: string,
  host: Target,
  words: (inputs: { readonly name: string; readonly pool: string }) => string[],
): pulumi.ResourceHook {
  return new pulumi.ResourceHook(name, async ({ newInputs }) => {
    const result = await runOnHost(
      host,
      "orphan.sh",
      words(newInputs as { name: string; pool: string }),
      {
        timeoutMs: 180_000,
      },
    );
    if (result.code !== 0) throw new Error(result.stderr.trim());
    if (result.stderr !== "") void pulumi.log.info(result.stderr.trim());
  });
}

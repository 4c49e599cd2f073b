/** KVM by its only proof: a guest that reached user space. */
import { runOnHost } from "../../core/link.io";
import { lastLine } from "../../core/plainText";
import { Target } from "../../core/target";
import { KvmProof } from "./checks/kvm";

/** The probe guest may be fetched, and a slow host has 140 s for it. */
const PROBE_MS = 300_000;

/** The kept answer while the host is the same, else a new one; `renew`: a new one. Needs QEMU on the host. */
export async function kvmProof(host: Target, cacheDir: string, renew = false): Promise<KvmProof> {
  const args = renew ? [cacheDir, "kvm", "renew"] : [cacheDir];
  const probe = await runOnHost(host, "kvm-probe.sh", args, { timeoutMs: PROBE_MS });
  const unknown = { acceleration: undefined } as const;
  if (probe.code !== 0) {
    return { ...unknown, reason: lastLine(probe.stderr) };
  }
  try {
    return JSON.parse(probe.stdout.toString()) as KvmProof;
  } catch {
    return { ...unknown, reason: "no answer that can be read" };
  }
}

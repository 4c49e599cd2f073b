/** Proves that a share works: a nonce written on each side is read on the other. */
import { randomBytes } from "node:crypto";
import { Wanted } from "./checks/check";
import { met, Outcome, skipped, unmet } from "../../core/verdict";
import { runInGuest, runOnHost } from "../../core/link.io";
import { HostTarget, SshTarget } from "../../core/target";

interface Sharing {
  readonly guest: SshTarget;
  readonly host?: HostTarget;
  readonly share?: Wanted["share"];
}

export async function proveShare({ guest, host, share }: Sharing): Promise<Outcome> {
  if (share === undefined) return skipped("the guest has no share");
  const { path, mount, readonly } = share;
  const nonce = randomBytes(32).toString("hex");
  // The verdict says "share: found" itself.
  const why = (stderr: string): string => stderr.trim().replace(/^share: found /, "");
  const onHost = (verb: string) => runOnHost(host, "share-nonce.sh", [verb, path, nonce]);
  const put = await onHost("put");
  if (put.code !== 0) return unmet(why(put.stderr), { settles: false });
  try {
    const args = ["check", mount, nonce, readonly ? "ro" : "rw"];
    const inGuest = await runInGuest(guest, "share-nonce.sh", args);
    if (inGuest.code !== 0) return unmet(why(inGuest.stderr));
    const back = await onHost(readonly ? "unchanged" : "answered");
    if (back.code !== 0) return unmet(why(back.stderr));
    return met(readonly ? "host to guest, and not back" : "both ways");
  } finally {
    await onHost("remove");
  }
}

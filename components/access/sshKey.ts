/** Names of SSH keys. Pure. */
import { createHash } from "node:crypto";

/** As OpenSSH prints it: `SHA256:...`, of a public key line. */
export function keyFingerprint(line: string): string {
  const blob = Buffer.from(line.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

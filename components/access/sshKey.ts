/** Names of SSH keys. Pure. */
import { createHash } from "node:crypto";

/** The fingerprint of a public key line as OpenSSH prints it: `SHA256:...`. */
export function keyFingerprint(line: string): string {
  const blob = Buffer.from(line.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Stable MAC addresses. Pure. */
import { createHash } from "node:crypto";

/**
 * The address of a guest's NIC: QEMU's own prefix 52:54:00 and 24 bits of SHA-256 over the stack and
 * the guest's name, so that a rebuilt guest keeps its address and two guests differ.
 */
export function macAddress(stack: string, guest: string): string {
  const hash = createHash("sha256").update(`${stack}\0${guest}`).digest("hex");
  return `52:54:00:${hash.slice(0, 2)}:${hash.slice(2, 4)}:${hash.slice(4, 6)}`;
}

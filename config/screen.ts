/** Where a guest's screen is shown. Pure. */
import type { GuestConfig } from "./schema";

export const LOOPBACK = "127.0.0.1";

export const isLoopback = (address: string): boolean =>
  address === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address);

/** Of a domain's declaration: where it listens, and with what certificate. */
export interface ScreenPlace {
  /** Address of the host; unset: loopback. */
  readonly listen?: string;
  /** Folder on the host with the certificate, its key and its authority; set: TLS only. */
  readonly tlsFolder?: string;
}

/** Below the folder that libvirt's AppArmor profiles let QEMU read SPICE's certificates from. */
export const tlsFolder = (stack: string, guest: string): string =>
  `/etc/pki/libvirt-spice/mirlab-${stack}-${guest}`;

/** The configured place; nothing where it is the usual one. */
export function screenPlace(
  { listen, tls }: GuestConfig["spice"],
  stack: string,
  guest: string,
): ScreenPlace {
  return {
    ...(listen === LOOPBACK ? {} : { listen }),
    ...(tls ? { tlsFolder: tlsFolder(stack, guest) } : {}),
  };
}

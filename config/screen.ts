/** Where SPICE serves a guest's screen. Pure. */
import type { GuestConfig } from "./schema";

export const LOOPBACK = "127.0.0.1";

export const isLoopback = (address: string): boolean =>
  address === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address);

/** The address and certificate of a domain's screen. */
export interface ScreenPlace {
  /** Address of the host; unset: loopback. */
  readonly listen?: string;
  /** Folder on the host with certificate, key and authority; set: the screen accepts only TLS. */
  readonly tlsFolder?: string;
}

/** libvirt's AppArmor profiles let QEMU read SPICE certificates only below this folder's parent. */
export const tlsFolder = (stack: string, guest: string): string =>
  `/etc/pki/libvirt-spice/mirlab-${stack}-${guest}`;

/** The configured place; keys with their default are left out. */
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

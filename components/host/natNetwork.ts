/** Addresses of guests on the lab's libvirt network. Pure. */
import { createHash } from "node:crypto";
import { Tree } from "../../core/xml";

/** Host parts given to guests: .10 to .249 of the /24. */
const FIRST = 10;
const COUNT = 240;

/**
 * One fixed address for each guest, derived from the guest's name: the other guests keep theirs when
 * a guest comes or goes, unless the slots of two names collide.
 */
export function natAddresses(subnet: string, guests: readonly string[]): Map<string, string> {
  const prefix = subnet.replace(/\.0\/24$/, "");
  const taken = new Set<number>();
  const addresses = new Map<string, string>();
  for (const guest of [...guests].sort()) {
    let slot = createHash("sha256").update(guest).digest().readUInt32BE(0) % COUNT;
    while (taken.has(slot)) slot = (slot + 1) % COUNT;
    taken.add(slot);
    addresses.set(guest, `${prefix}.${FIRST + slot}`);
  }
  return addresses;
}

/** The host's address on the network of a /24, without the prefix length: the first one. */
export const natGateway = (subnet: string): string => subnet.replace(/\.0\/24$/, ".1");

/** The metadata below `/network` that marks a network as a lab's. */
export function networkMark(stack: string): Tree {
  return ["metadata", {}, ["mirlab:owner", {}, ["mirlab:stack", {}, stack]]];
}

// Parts of labs, and the faults that are found in a lab.
import assert from "node:assert/strict";
import { readLab } from "../../../config/lab";
import { Lab } from "../../../config/schema";

export const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;
export const DIGEST = `sha256:${"0".repeat(64)}`;

export const URL_IMAGE = {
  source: "url",
  url: "https://images.example/debian.qcow2",
  digest: DIGEST,
};
export const EXISTING = {
  source: "existing",
  domain: "Old_VM",
  ssh: { host: "10.0.0.5", privateKeyFile: "/home/ada/.ssh/id", hostKey: HOST_KEY },
};

/** The faults of a lab with one guest, as `path: reason`. */
export function faultsOf(guest: object, rest: Record<string, unknown> = {}): string[] {
  return faults({ guests: [{ name: "mir", ...guest }], ...rest });
}

export function faults(raw: Record<string, unknown>): string[] {
  return readLab(raw).faults.map(({ path, reason }) => `${path}: ${reason}`);
}

export function labOf(raw: Record<string, unknown>): Lab {
  const { lab, faults: found } = readLab(raw);
  assert.deepEqual(found, []);
  assert.ok(lab);
  return lab;
}

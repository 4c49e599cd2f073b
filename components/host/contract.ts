/** What a lab relies on on its host, as data. Pure. */
import { Difference, Wanted } from "../../core/contract";

/** A guest as its host has to know it. */
export interface GuestOnHost {
  readonly name: string;
  readonly domain: string;
  /** Folder of the share; `own`: made by the lab. Unset: none. */
  readonly share?: { readonly path: string; readonly own: boolean };
  /** Unset for an adopted domain: its disks are its owner's. */
  readonly disk?: {
    readonly volume: string;
    readonly bytes: number;
    readonly image: string;
    readonly imageFormat: string;
    /** `sha256:HEX`, where the configuration names one. */
    readonly digest?: string;
  };
  /** Ports as reserved: 0 is any. For an adopted domain there is no `ssh`. */
  readonly ports: { readonly ssh?: number; readonly spice: number };
  /** By a loopback forward, by the lab's network, or as its owner has it. */
  readonly network: "user" | "nat" | "own";
}

export interface HostContract {
  readonly stack: string;
  /** Whose it is: stacks of two people may have one name. */
  readonly owner: string;
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly packages: readonly string[];
  /** Packages of which only the files are looked at. */
  readonly parts: readonly string[];
  readonly install: boolean;
  readonly pool: { readonly name: string; readonly path: string };
  readonly network?: {
    readonly name: string;
    readonly address: string;
    readonly hosts: readonly { readonly mac: string; readonly ip: string }[];
  };
  readonly guests: readonly GuestOnHost[];
}

/** A script of ours on the host that puts something right. */
export interface HostStep {
  readonly script: string;
  readonly args: readonly string[];
}

/**
 * `elsewhere`: another resource of the same `up` does it. `refuse`: data or somebody's work is at
 * stake, so `up` fails and says what to do.
 */
export type How = "run" | "accept" | "elsewhere" | "refuse";

export interface HostWanted extends Wanted<HostStep, How> {
  /** Facts without which there is nothing to say: another line tells of them. */
  readonly needs?: readonly (readonly [item: string, field: string, value: string])[];
}

export type HostDifference = Difference<HostStep, How>;

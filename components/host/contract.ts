/** What a lab relies on on its host, as data. Pure. */
import { Difference, Wanted } from "../../core/contract";

/** What the host has to know about a guest. */
export interface GuestOnHost {
  readonly name: string;
  readonly domain: string;
  /** Unset: the running guest's disk may be enlarged. */
  readonly onDrift?: "restart-at-next-boot" | "report";
  /** Folder of the share; `own`: created by the lab. Unset: no share. */
  readonly share?: { readonly path: string; readonly own: boolean };
  /** Unset for an adopted domain: the lab does not manage its disks. */
  readonly disk?: {
    readonly volume: string;
    readonly bytes: number;
    readonly image: string;
    readonly imageFormat: string;
    /** `sha256:HEX`, where the configuration names one. */
    readonly digest?: string;
  };
  /** Ports to reserve; 0: any free one. An adopted domain has no `ssh`. */
  readonly ports: { readonly ssh?: number; readonly spice: number };
  /** `user`: a loopback forward; `nat`: the lab's network; `own`: as the adopted domain has it. */
  readonly network: "user" | "nat" | "own";
}

export interface HostContract {
  readonly stack: string;
  /** Owner of the lab: two people's stacks may have the same name. */
  readonly owner: string;
  readonly dataDir: string;
  readonly cacheDir: string;
  readonly packages: readonly string[];
  /** Packages that are only checked for modified files. */
  readonly parts: readonly string[];
  readonly install: boolean;
  /** QEMU's packages are the backports'. Unset: the release's. */
  readonly qemu?: "backports";
  readonly pool: { readonly name: string; readonly path: string };
  readonly network?: {
    readonly name: string;
    readonly address: string;
    readonly hosts: readonly { readonly mac: string; readonly ip: string }[];
  };
  readonly guests: readonly GuestOnHost[];
}

/** A host script that repairs a difference. */
export interface HostStep {
  readonly script: string;
  readonly args: readonly string[];
}

/**
 * `run` and `accept`: see core/contract.ts. `elsewhere`: another resource of the same `up` repairs it.
 * `refuse`: a repair could lose data or somebody's work, so `up` fails and says what to do.
 */
export type How = "run" | "accept" | "elsewhere" | "refuse";

export interface HostWanted extends Wanted<HostStep, How> {
  /** Facts that must hold; otherwise the check is skipped, since another line reports them. */
  readonly needs?: readonly (readonly [item: string, field: string, value: string])[];
}

export type HostDifference = Difference<HostStep, How>;

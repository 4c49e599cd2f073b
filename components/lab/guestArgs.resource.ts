import { GuestConfig, HostConfig } from "../../config/schema";
import { LabHost } from "../host/labHost.resource";
import { RootDisk } from "../image/rootDisk";

/** The arguments of a guest's resources. */
export interface GuestArgs {
  readonly config: GuestConfig;
  readonly host: HostConfig;
  readonly labHost: LabHost;
  /** Name of the lab: the name of its stack at the first `up`. */
  readonly stack: string;
  /** Files of private keys whose key the SSH agent has. @default none */
  readonly inAgent?: ReadonlySet<string>;
  /** Triggers of the probe of KVM; unset: its answer stands. */
  readonly kvmTriggers?: readonly string[];
  /** Unset: the guest is adopted. */
  readonly disk?: RootDisk;
}

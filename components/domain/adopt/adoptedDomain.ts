/** What the lab declares of an existing domain. Pure. */
import { Acceleration } from "../../../core/limits";
import { HostTarget } from "../../../core/target";
import { AdoptContract } from "./adoption";

export interface AdoptedDomainInputs extends Omit<AdoptContract, "ticket"> {
  readonly host?: HostTarget;
  /** Name of the domain on the host. */
  readonly domain: string;
  /** Folder of the guest on the machine that runs Pulumi; it keeps the original definition. */
  readonly directory: string;
  /** What the configuration asks for; the domain's own type is never changed. */
  readonly wantedAcceleration: Acceleration | "auto";
  /** Whether `up` may shut down a running domain that needs a power cycle for its new hardware. */
  readonly restart: "never" | "shutdown";
}

/** What the lab declares of a domain that was on the host before. Pure. */
import { Acceleration } from "../../../core/limits";
import { SshTarget } from "../../../core/target";
import { AdoptContract } from "./adoption";

export interface AdoptedDomainInputs extends Omit<AdoptContract, "ticket"> {
  readonly host?: SshTarget;
  /** Name of the domain on the host. */
  readonly domain: string;
  /** Folder of the guest on the machine that runs Pulumi; keeps the definition from before. */
  readonly directory: string;
  /** What the configuration asks for; the domain's own type is never changed. */
  readonly wantedAcceleration: Acceleration | "auto";
  /** What may be done to a running domain that needs a power cycle to see its new hardware. */
  readonly restart: "never" | "shutdown";
}

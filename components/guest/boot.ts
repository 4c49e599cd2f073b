/** Inputs of GuestBoot. Pure. */
import { Acceleration } from "../../core/limits";
import { HostTarget, SshTarget } from "../../core/target";

export interface GuestBootInputs {
  readonly guest: SshTarget;
  readonly host?: HostTarget;
  readonly domain: string;
  /** The domain's UUID: a new domain has a new first boot. */
  readonly bootId: string;
  readonly acceleration: Acceleration;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
  /** The system was installed before: there is no first boot to wait for. */
  readonly adopted?: boolean;
}

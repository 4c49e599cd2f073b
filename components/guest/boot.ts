/** What is known of a guest that boots. Pure. */
import { Acceleration } from "../../core/limits";
import { SshTarget } from "../../core/target";

export interface GuestBootInputs {
  readonly guest: SshTarget;
  readonly host?: SshTarget;
  readonly domain: string;
  /** libvirt's UUID of the domain: another domain has another first boot. */
  readonly bootId: string;
  readonly acceleration: Acceleration;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
  /** Its system was installed before: there is no first boot of ours to wait for. */
  readonly adopted?: boolean;
}

import * as pulumi from "@pulumi/pulumi";
import { GuestBootInputs } from "./boot";
import { DynamicResource } from "../../core/dynamic.resource";

/** See GuestBootInputs for what each means. */
export type GuestBootArgs = {
  readonly [K in keyof GuestBootInputs]: pulumi.Input<GuestBootInputs[K]>;
};

/**
 * Waits until the guest answers with its pinned key and its first boot is done. Fails at once on a
 * state that waiting cannot help, with the serial console's last lines; a failed cloud-init fails
 * the deploy with its module and log.
 */
export class GuestBoot extends DynamicResource {
  constructor(name: string, args: GuestBootArgs, opts?: pulumi.CustomResourceOptions) {
    super("guestBoot", "GuestBoot", name, { ...args }, opts);
  }
}

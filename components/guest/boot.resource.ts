import * as pulumi from "@pulumi/pulumi";
import { GuestBootInputs } from "./boot";
import { DynamicResource } from "../../core/dynamic.resource";

/** GuestBootInputs documents the properties. */
export type GuestBootArgs = {
  readonly [K in keyof GuestBootInputs]: pulumi.Input<GuestBootInputs[K]>;
};

/**
 * Waits until the guest answers with its pinned key and its first boot has finished. Fails at once,
 * with the serial console's last lines, in a state that waiting cannot change. A failed cloud-init
 * fails the deploy with the name of its module and its log.
 */
export class GuestBoot extends DynamicResource {
  constructor(name: string, args: GuestBootArgs, opts?: pulumi.CustomResourceOptions) {
    super("guestBoot", "GuestBoot", name, { ...args }, opts);
  }
}

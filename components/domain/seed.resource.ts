import * as pulumi from "@pulumi/pulumi";
import { GuestSeedInputs } from "./seed.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** See GuestSeedInputs for what each means. */
export type GuestSeedArgs = {
  readonly [K in keyof GuestSeedInputs]: pulumi.Input<GuestSeedInputs[K]>;
};

/**
 * The disk with the guest's first-boot documents. The libvirt provider could create it too, but it
 * keeps the guest's private host key in the state, and downloads the image at every refresh, which can
 * deadlock its client. See docs/decisions/0012.
 */
export class GuestSeed extends DynamicResource {
  /** Path of the image on the host. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: GuestSeedArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { path: undefined, sha256: undefined, intact: undefined };
    super("guestSeed", "GuestSeed", name, { ...args, ...outputs }, opts);
  }
}

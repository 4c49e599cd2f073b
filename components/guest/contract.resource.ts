import * as pulumi from "@pulumi/pulumi";
import { GuestContractInputs, GuestContractProps } from "./contract.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** See GuestContractInputs for what each means. */
export type GuestContractArgs = {
  readonly [K in keyof Omit<GuestContractInputs, "drift">]: pulumi.Input<GuestContractInputs[K]>;
};

/**
 * What a lab relies on in a guest: kernel and boot loader, the packages that draw the picture and
 * their files, session and share, account, keys, host name, clock. Every preview looks at all of it
 * in one go and names what differs; `up` puts it right before the picture is taken. What the guest's
 * owner decides is told once, and recorded by the next `up`. See docs/decisions/0013.
 */
export class GuestContract extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:GuestContract";

  declare readonly status: pulumi.Output<GuestContractProps["status"]>;
  declare readonly drift: pulumi.Output<string[]>;
  declare readonly recorded: pulumi.Output<GuestContractProps["recorded"]>;

  constructor(name: string, args: GuestContractArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...args, drift: [], status: undefined, recorded: undefined };
    super("guestContract", "GuestContract", name, inputs, opts);
  }
}

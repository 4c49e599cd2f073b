import * as pulumi from "@pulumi/pulumi";
import { GuestContractInputs, GuestContractProps } from "./contract.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** GuestContractInputs documents the properties. */
export type GuestContractArgs = {
  readonly [K in keyof Omit<GuestContractInputs, "drift">]: pulumi.Input<GuestContractInputs[K]>;
};

/**
 * What a lab relies on in a guest: kernel and boot loader, the packages that draw the picture and
 * their files, session and share, account, keys, host name, clock. Every preview observes all of it
 * in one round trip and reports differences; `up` repairs them before it takes the picture. A
 * change that the guest's owner may intend is reported once, then recorded. See
 * docs/decisions/0013.
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

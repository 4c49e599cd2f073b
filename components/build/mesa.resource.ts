import * as pulumi from "@pulumi/pulumi";
import { GuestMesaInputs, GuestMesaProps } from "./mesa.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** See SoftwareInputs for what each means. */
export type GuestMesaArgs = {
  readonly [K in keyof GuestMesaInputs]: pulumi.Input<GuestMesaInputs[K]>;
};

/**
 * The page's "verify that you have the right Mesa package": the guest uses the distribution's Mesa
 * or another one, decided by its gate. With another one Mir's own tests draw, and the checks of
 * graphics have to be met, before it is kept; else the distribution's is put back, and the deploy
 * fails with what was found. See docs/decisions/0018.
 */
export class GuestMesa extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:GuestMesa";

  declare readonly status: pulumi.Output<GuestMesaProps["status"]>;
  /** What the guest uses by the lab's decision; null where it decided nothing. */
  declare readonly decided: pulumi.Output<GuestMesaProps["decided"]>;
  /** Changes with every change that it made. */
  declare readonly changes: pulumi.Output<string>;

  constructor(name: string, args: GuestMesaArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { status: undefined, decided: undefined, changes: undefined, facts: undefined };
    super("guestMesa", "GuestMesa", name, { ...args, ...outputs }, opts);
  }
}

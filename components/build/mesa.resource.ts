import * as pulumi from "@pulumi/pulumi";
import { GuestMesaInputs, GuestMesaProps } from "./mesa.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** SoftwareInputs documents the properties. */
export type GuestMesaArgs = {
  readonly [K in keyof GuestMesaInputs]: pulumi.Input<GuestMesaInputs[K]>;
};

/**
 * The page's "verify that you have the right Mesa package": the gate decides whether the guest uses
 * the distribution's Mesa or another one. Another Mesa is kept only if Mir's own tests draw with it
 * and the graphics checks pass; else the distribution's Mesa is restored, and the deploy fails with
 * the reason. See docs/decisions/0018.
 */
export class GuestMesa extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:GuestMesa";

  declare readonly status: pulumi.Output<GuestMesaProps["status"]>;
  /** The Mesa that the lab decided on; null: none, or the distribution's. */
  declare readonly decided: pulumi.Output<GuestMesaProps["decided"]>;
  /** Changes whenever this resource changes Mesa. */
  declare readonly changes: pulumi.Output<string>;

  constructor(name: string, args: GuestMesaArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { status: undefined, decided: undefined, changes: undefined, facts: undefined };
    super("guestMesa", "GuestMesa", name, { ...args, ...outputs }, opts);
  }
}

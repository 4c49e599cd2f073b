import * as pulumi from "@pulumi/pulumi";
import { GuestKernelInputs, GuestKernelProps } from "./kernel.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** SoftwareInputs documents the properties. */
export type GuestKernelArgs = {
  readonly [K in keyof GuestKernelInputs]: pulumi.Input<GuestKernelInputs[K]>;
};

/**
 * The page's "build a new kernel and verify": the gate decides whether the guest runs the
 * distribution's kernel or another one. Another kernel is booted once and becomes the default only
 * if it passes the boot and graphics checks; else the guest returns to its old kernel, and the
 * deploy fails with the serial console's last lines. See docs/decisions/0014.
 */
export class GuestKernel extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:GuestKernel";

  declare readonly status: pulumi.Output<GuestKernelProps["status"]>;
  /** The kernel that the lab decided on; null: no decision. */
  declare readonly decided: pulumi.Output<GuestKernelProps["decided"]>;
  /** Changes with every boot by this resource. */
  declare readonly boots: pulumi.Output<string>;

  constructor(name: string, args: GuestKernelArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { status: undefined, decided: undefined, boots: undefined, facts: undefined };
    super("guestKernel", "GuestKernel", name, { ...args, ...outputs }, opts);
  }
}

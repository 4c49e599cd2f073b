import * as pulumi from "@pulumi/pulumi";
import { GuestKernelInputs, GuestKernelProps } from "./kernel.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** See GuestKernelInputs for what each means. */
export type GuestKernelArgs = {
  readonly [K in keyof GuestKernelInputs]: pulumi.Input<GuestKernelInputs[K]>;
};

/**
 * The page's "build a new kernel and verify": the guest runs the distribution's kernel or another
 * one, decided by its gate. Another one is booted once and has to pass the checks of boot and
 * graphics before it becomes the default; else the guest is on its old one again, and the deploy
 * fails with what the serial console said. See docs/decisions/0014.
 */
export class GuestKernel extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:GuestKernel";

  declare readonly status: pulumi.Output<GuestKernelProps["status"]>;
  /** What the guest runs by the lab's decision; null where it decided nothing. */
  declare readonly decided: pulumi.Output<GuestKernelProps["decided"]>;
  /** Changes with every boot that it made. */
  declare readonly boots: pulumi.Output<string>;

  constructor(name: string, args: GuestKernelArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { status: undefined, decided: undefined, boots: undefined, facts: undefined };
    super("guestKernel", "GuestKernel", name, { ...args, ...outputs }, opts);
  }
}

import * as pulumi from "@pulumi/pulumi";
import { MirReadinessInputs, MirReadinessProps } from "./readiness.provider";
import { DynamicResource } from "../../core/dynamic.resource";

/** MirReadinessInputs documents the properties. */
export type MirReadinessArgs = {
  readonly [K in keyof MirReadinessInputs]: pulumi.Input<MirReadinessInputs[K]>;
};

/**
 * The page's "Verify Mesa and used Kernel". Checks the running guest, not package versions; proves
 * the share by a nonce in each direction and the session by a picture of the screen. An unmet check
 * fails the deploy with what was found, what is needed and the fix; the next `up` checks again.
 */
export class MirReadiness extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:MirReadiness";

  declare readonly status: pulumi.Output<MirReadinessProps["status"]>;
  declare readonly reasons: pulumi.Output<string[]>;
  declare readonly verdicts: pulumi.Output<MirReadinessProps["verdicts"]>;
  declare readonly facts: pulumi.Output<MirReadinessProps["facts"]>;
  declare readonly picture: pulumi.Output<string>;
  declare readonly pictureSha256: pulumi.Output<string>;
  declare readonly pictureTime: pulumi.Output<string>;

  constructor(name: string, args: MirReadinessArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      status: undefined,
      reasons: undefined,
      verdicts: undefined,
      facts: undefined,
      pictureSha256: undefined,
      pictureTime: undefined,
    };
    super("mirReadiness", "MirReadiness", name, { ...args, ...outputs }, opts);
  }
}

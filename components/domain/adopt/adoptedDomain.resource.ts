import * as pulumi from "@pulumi/pulumi";
import { AdoptedDomainProps } from "./adoptedDomain.provider";
import { AdoptedDomainInputs } from "./adoptedDomain";
import { Parts } from "../contract.resource";
import { DynamicResource } from "../../../core/dynamic.resource";

/** See AdoptedDomainInputs for what each means. */
export type AdoptedDomainArgs = {
  readonly [K in keyof AdoptedDomainInputs]: AdoptedDomainInputs[K] extends object | undefined
    ? Parts<AdoptedDomainInputs[K]>
    : pulumi.Input<AdoptedDomainInputs[K]>;
};

/**
 * The page's "reconfigure an existing installation": an existing domain gets the page's display, video
 * and share, and `down` restores its own. The lab never creates or deletes the domain or its disks.
 * The original definition is kept in the state and in the lab's folder.
 */
export class AdoptedDomain extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:AdoptedDomain";

  declare readonly domain: pulumi.Output<string>;
  declare readonly uuid: pulumi.Output<string>;
  declare readonly bootId: pulumi.Output<string>;
  declare readonly acceleration: pulumi.Output<AdoptedDomainProps["acceleration"]>;
  declare readonly pending: pulumi.Output<string>;
  /** Secret: it may contain a display's password. */
  declare readonly originalXml: pulumi.Output<string>;

  constructor(name: string, args: AdoptedDomainArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      uuid: undefined,
      bootId: undefined,
      boots: undefined,
      acceleration: undefined,
      pending: undefined,
      running: undefined,
      drift: undefined,
      intact: undefined,
      originalXml: undefined,
    };
    super(
      "adoptedDomain",
      "AdoptedDomain",
      name,
      { ...args, ...outputs },
      { ...opts, additionalSecretOutputs: ["originalXml"] },
    );
  }
}

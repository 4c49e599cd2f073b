import * as pulumi from "@pulumi/pulumi";
import { DomainContractInputs } from "../io/domainContract";
import { TodayProvider } from "./todayProvider";

/** See DomainContractInputs for what each means. */
export type DomainContractArgs = {
  readonly [K in keyof Omit<DomainContractInputs, "drift">]: pulumi.Input<DomainContractInputs[K]>;
};

/**
 * The lab's domain, and the truth about it: made, healed in place, taken over when the state was
 * lost, compared at every refresh in its persistent and its live definition. See docs/decisions/0011.
 */
export class DomainContract extends pulumi.dynamic.Resource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:DomainContract";

  declare readonly uuid: pulumi.Output<string>;
  declare readonly name: pulumi.Output<string>;
  /** Changes with every start made here: what was seen before it has to be seen anew. */
  declare readonly bootId: pulumi.Output<string>;

  constructor(name: string, args: DomainContractArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      uuid: undefined,
      name: undefined,
      baseline: undefined,
      pending: undefined,
      boots: undefined,
      bootId: undefined,
    };
    const provider = new TodayProvider("domainContract");
    super(provider, name, { ...args, drift: [], ...outputs }, opts, "mir", "DomainContract");
  }
}

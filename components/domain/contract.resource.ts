import * as pulumi from "@pulumi/pulumi";
import { DomainContractInputs } from "./contract";
import { DomainSpec } from "./definition";
import { DynamicResource } from "../../core/dynamic.resource";

/**
 * A definition in which each part is an input by itself: a first preview and its policies know the
 * display and the share before ports and disks exist.
 */
export type SpecArgs<T = DomainSpec> = {
  readonly [K in keyof T]: T[K] extends object | undefined ? Parts<T[K]> : pulumi.Input<T[K]>;
};
/** A value, or an object in which each part is an input by itself. */
export type Parts<T> = pulumi.Input<T> | { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** See DomainContractInputs for what each means. */
export type DomainContractArgs = {
  readonly [K in keyof Omit<DomainContractInputs, "drift" | "spec">]: pulumi.Input<
    DomainContractInputs[K]
  >;
} & { readonly spec: SpecArgs };

/**
 * The lab's domain: created, repaired in place, and taken over when the state was lost. Every refresh
 * compares its persistent and its live definition. See docs/decisions/0011.
 */
export class DomainContract extends DynamicResource {
  /** For the policy pack. */
  static readonly __pulumiType = "pulumi-nodejs:dynamic/mir:DomainContract";

  declare readonly uuid: pulumi.Output<string>;
  declare readonly name: pulumi.Output<string>;
  /** Changes with every start by this resource: earlier observations of the guest are outdated. */
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
    super("domainContract", "DomainContract", name, { ...args, drift: [], ...outputs }, opts);
  }
}

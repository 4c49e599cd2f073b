/** The parts of a policy: its data, and one function that judges resources. */
import type {
  EnforcementLevel,
  PolicyConfigSchema,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import {
  DomainParts,
  partsOfAdopted,
  partsOfDomain,
  partsOfSpec,
} from "../components/domain/declaredParts";
import { Fault, faultText } from "../core/fault";

type JsonSchema = NonNullable<PolicyConfigSchema["properties"]>[string];

/** A key of a policy's configuration: its schema and its default. */
export type ConfigKey<T = unknown> = Omit<JsonSchema, "default"> & {
  readonly description: string;
  readonly default: T;
};

export interface About<C = unknown> {
  /** Kebab-case and stable: configuration files name it. */
  readonly name: string;
  /** The rule, in one sentence. */
  readonly description: string;
  readonly severity: Severity;
  readonly enforcementLevel: EnforcementLevel;
  /** Why this level, for the docs. */
  readonly why: string;
  readonly remediationSteps: string;
  readonly config?: { readonly [K in keyof C]: ConfigKey<C[K]> };
}

/** The data that the engine and the docs read. */
export type LabPolicy = (ResourceValidationPolicy | StackValidationPolicy) &
  Required<Pick<About, "name" | "severity" | "enforcementLevel" | "why" | "remediationSteps">>;

/** The data in the engine's form; each policy has a section in docs/policies.md. */
export function policyOf<C>({ config, ...about }: About<C>): Omit<About<C>, "config"> & {
  readonly url: string;
  readonly configSchema?: PolicyConfigSchema;
} {
  const properties = config as PolicyConfigSchema["properties"];
  return {
    ...about,
    url: `docs/policies.md#${about.name}`,
    ...(properties === undefined ? {} : { configSchema: { properties } }),
  };
}

/** A lab's settings, with defaults for the missing ones. */
export function settings<C>(about: About<C>, set: object): C {
  const defaults = Object.entries<ConfigKey>(about.config ?? {});
  return {
    ...Object.fromEntries(defaults.map(([key, schema]) => [key, schema.default])),
    ...set,
  } as C;
}

export type Report = (fault: Fault) => void;

/** A policy that judges one resource at a time, by its inputs. */
export function resourcePolicy<C>(
  about: About<C>,
  judge: (args: ResourceValidationArgs, report: Report, config: C) => void,
): ResourceValidationPolicy & LabPolicy {
  return {
    ...policyOf(about),
    validateResource: (args, report) =>
      judge(args, (fault) => report(faultText(fault)), settings(about, args.getConfig())),
  };
}

export const DOMAIN = "libvirt:index/domain:Domain";

/** The domain that a resource declares; undefined for any other resource. */
export function domainOf({ type, props, name }: ResourceValidationArgs): DomainParts | undefined {
  switch (type) {
    case "pulumi-nodejs:dynamic/mir:DomainContract":
      return partsOfSpec((props as { spec: Parameters<typeof partsOfSpec>[0] }).spec);
    case "pulumi-nodejs:dynamic/mir:AdoptedDomain":
      return partsOfAdopted(props as Parameters<typeof partsOfAdopted>[0]);
    case DOMAIN:
      return partsOfDomain(props as Parameters<typeof partsOfDomain>[0], name);
    default:
      return undefined;
  }
}

/** A policy that judges every domain, whichever resource declares it. */
export function domainPolicy<C>(
  about: About<C>,
  judge: (domain: DomainParts, report: Report, config: C) => void,
): ResourceValidationPolicy & LabPolicy {
  return resourcePolicy<C>(about, (args, report, config) => {
    const domain = domainOf(args);
    if (domain !== undefined) judge(domain, report, config);
  });
}

/** A list of excepted guests, by name. */
export const guestList = (description: string): ConfigKey<readonly string[]> => ({
  ...{ type: "array", items: { type: "string", minLength: 1 }, default: [], description },
});

/** The props without the SDK's proxy, which throws when an unknown value is read. */
export function unproxied<T extends object>(props: T): T {
  return (props as T & { __getSpecialProxyTarget?: T }).__getSpecialProxyTarget ?? props;
}

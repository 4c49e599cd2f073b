import * as pulumi from "@pulumi/pulumi";

/**
 * A dynamic resource whose provider is the checkout's `io/<module>.ts`.
 *
 * Pulumi serializes a dynamic provider into the state, and refresh runs that copy: yesterday's probe.
 * So what stands in the state is one line, always the same, that asks today's checkout. Nothing has to
 * be serialized, which costs half a second of CPU for each program. See docs/decisions/0002.
 */
export class DynamicResource extends pulumi.CustomResource {
  constructor(
    module: string,
    type: string,
    name: string,
    props: pulumi.Inputs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    const inputs = { ...props, __provider: codeInState(module) };
    super(`pulumi-nodejs:dynamic/mir:${type}`, name, inputs, opts);
  }
}

/** What Pulumi's host of dynamic providers loads: it runs in the project's folder. */
const codeInState = (module: string): string =>
  [
    'const io = require("node:path").join(process.cwd(), "io");',
    `exports.handler = () => require(io + "/today.js").providerOf(${JSON.stringify(module)});`,
  ].join("\n");

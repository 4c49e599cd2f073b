import * as pulumi from "@pulumi/pulumi";

/**
 * A dynamic resource whose provider is a handler of the checkout; io/names.json says which file.
 *
 * Pulumi serializes a dynamic provider into the state, and refresh would run that outdated copy. So
 * the state gets two constant lines that load the provider from the checkout. This also avoids the
 * serialization, which costs each program half a second of CPU. See docs/decisions/0002.
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

/** The code that Pulumi's host of dynamic providers loads; its working directory is the project. */
const codeInState = (module: string): string =>
  [
    'const io = require("node:path").join(process.cwd(), "io");',
    `exports.handler = () => require(io + "/today.js").providerOf(${JSON.stringify(module)});`,
  ].join("\n");

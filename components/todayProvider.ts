/**
 * The dynamic providers of this project.
 *
 * Pulumi keeps a dynamic provider's code in the state and refresh runs that copy: yesterday's probe.
 * So the code in the state only names a module under `io/`, and today's checkout answers. It also
 * means that no closure has to be serialized. See docs/decisions/0002.
 */
import * as pulumi from "@pulumi/pulumi";

type Provider = pulumi.dynamic.ResourceProvider;

/** Loads `io/<module>` of the checkout that the engine runs in. */
function load(module: string): Required<Pick<Provider, "create">> & Provider {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above: loaded when called
  const { join } = require("node:path") as typeof import("node:path");
  const root = process.cwd();
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require(join(root, "io", "register.js"));
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require(join(root, "io", module)) as { provider: Provider }).provider;
}

/**
 * A failure that keeps measurements (`properties`) replaces the resource's whole state; without the
 * provider's code in it no later refresh or delete could run.
 */
function keepProvider(inputs: unknown): (error: Error & { properties?: object }) => never {
  return (error) => {
    if (error.properties !== undefined) {
      const { __provider } = inputs as { __provider: string };
      error.properties = { ...error.properties, __provider };
    }
    throw error;
  };
}

/** A provider whose methods are those that `io/<module>.ts` exports as `provider`. */
export class TodayProvider implements Provider {
  constructor(private readonly module: string) {}

  async check(olds: unknown, news: unknown): Promise<pulumi.dynamic.CheckResult> {
    const provider = load(this.module);
    return provider.check === undefined ? { inputs: news } : provider.check(olds, news);
  }

  async diff(id: string, olds: unknown, news: unknown): Promise<pulumi.dynamic.DiffResult> {
    const provider = load(this.module);
    return provider.diff === undefined ? {} : provider.diff(id, olds, news);
  }

  async create(inputs: unknown): Promise<pulumi.dynamic.CreateResult> {
    return load(this.module).create(inputs).catch(keepProvider(inputs));
  }

  async read(id: string, props: unknown): Promise<pulumi.dynamic.ReadResult> {
    const provider = load(this.module);
    return provider.read === undefined ? { id, props } : provider.read(id, props);
  }

  async update(id: string, olds: unknown, news: unknown): Promise<pulumi.dynamic.UpdateResult> {
    const provider = load(this.module);
    if (provider.update === undefined) return { outs: news };
    return provider.update(id, olds, news).catch(keepProvider(news));
  }

  async delete(id: string, props: unknown): Promise<void> {
    await load(this.module).delete?.(id, props);
  }
}

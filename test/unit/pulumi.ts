// Replaces the engine: keeps what a program registers, as it was sent.
import * as Module from "node:module";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { ROOT } from "./support";

/** Pulumi's mark of a secret value in requests to the engine. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** Pulumi's mark for a value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export interface Registered {
  readonly type: string;
  readonly name: string;
  /** `TYPE NAME` of the parent; empty for the stack's own. */
  readonly parent: string;
  /** As sent: secrets are still wrapped. */
  readonly sent: Record<string, unknown>;
  /** With secrets unwrapped. */
  readonly inputs: Record<string, unknown>;
  readonly provider: string;
  readonly deleteBeforeReplace: boolean;
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  /** Names of the hooks that run before it is created. */
  readonly beforeCreate: readonly string[];
  /** Names of the resources that it waits for. */
  readonly dependsOn: readonly string[];
}

type Values = Record<string, unknown>;

/** The part of a request to the engine that tests use. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): Values };
  getProvider(): string;
  getDeletebeforereplace(): boolean;
  getProtect(): boolean;
  getIgnorechangesList(): string[];
  getDependenciesList(): string[];
  getHooks(): { getBeforeCreateList(): string[] } | undefined;
}
type RegisterResource = (request: RegisterRequest, callback: unknown) => Promise<void>;

/** Values without their secret wrappers. */
export function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  if ((value as Values)[SIGNATURE] === SECRET) return revealed((value as Values).value);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, revealed(v)]));
}

/** Values as the state shows them to anyone, without secrets. */
export function inPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inPlain);
  if (typeof value !== "object" || value === null) return value;
  if ((value as Values)[SIGNATURE] === SECRET) return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, inPlain(v)]));
}

const labelOf = (urn: string): string => {
  const [, , types = "", name = ""] = urn.split("::");
  return types === "" ? "" : `${types.split("$").at(-1) ?? ""} ${name}`;
};

/** The registrations, in order; tests empty this list. */
export const registered: Registered[] = [];

/**
 * Makes this process a Pulumi program without an engine. Call it once, before components are loaded.
 * `answer` returns the outputs that a provider would add to the inputs, `state` the resources of the
 * state by URN.
 */
export function mockEngine(
  answer: (type: string, name: string, inputs: Values) => Values,
  stack = "dev",
  state: () => Values = () => ({}),
): void {
  // The mocks' own callback gets neither parents nor options: intercept the request before it.
  const prototype = MockMonitor.prototype as {
    registerResource: RegisterResource;
    registerResourceHook?: (request: unknown, answer: (error: null, value: object) => void) => void;
  };
  // The mocks claim support for hooks but lack the method: accept hooks, and never call them.
  prototype.registerResourceHook ??= (_request, answer) => answer(null, {});
  const original = prototype.registerResource;
  prototype.registerResource = function (request, callback) {
    const sent = request.getObject().toJavaScript();
    registered.push({
      type: request.getType(),
      name: request.getName(),
      parent: labelOf(request.getParent()),
      sent,
      inputs: revealed(sent) as Values,
      provider: request.getProvider(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
      protect: request.getProtect(),
      ignoreChanges: request.getIgnorechangesList(),
      beforeCreate: request.getHooks()?.getBeforeCreateList() ?? [],
      dependsOn: request.getDependenciesList().map((urn) => labelOf(urn).split(" ")[1] ?? ""),
    });
    return original.call(this, request, callback);
  };
  void pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const given = inputs as Values;
        return { id: `${name}-id`, state: { ...given, ...answer(type, name, given) } };
      },
      call: ({ token }) => {
        if (token === "pulumi:pulumi:readStackResourceOutputs") return { outputs: state() };
        throw new Error(`found a call of ${token}; need none`);
      },
    },
    "mirlab",
    stack,
    false,
  );
}

/** The one registered resource of that name. */
export function resourceNamed(name: string): Registered {
  const found = registered.filter((r) => r.name === name);
  if (found.length !== 1 || found[0] === undefined) {
    const names = registered.map((r) => r.name).join(", ");
    throw new Error(`${name}: found ${found.length} resources of this name in ${names}; need one`);
  }
  return found[0];
}

export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

/** The provider that the engine would load from the state, loaded as the engine does. */
export function providerOf(resource: Registered): pulumi.dynamic.ResourceProvider {
  const file = join(ROOT, "__provider.js");
  const loaded = new Module.Module(file);
  loaded.paths = [join(ROOT, "node_modules")];
  (loaded as unknown as { _compile(code: string, file: string): void })._compile(
    resource.inputs.__provider as string,
    file,
  );
  return (loaded.exports as { handler: () => pulumi.dynamic.ResourceProvider }).handler();
}

// The pack as the engine uses it: the SDK's own analyzer with levels and settings, without a socket.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { mock } from "node:test";
import * as rpc from "@pulumi/pulumi/proto/analyzer_pb";
import { POLICIES } from "../../policies/policies";
import { ROOT } from "../unit/support";
import { Given } from "./support";

/** Dependencies of the SDK, resolved from the SDK. */
const ofSdk = createRequire(require.resolve("@pulumi/policy"));
type Struct = NonNullable<Parameters<rpc.PolicyConfig["setProperties"]>[0]>;
const structs = ofSdk("google-protobuf/google/protobuf/struct_pb.js") as {
  Struct: { fromJavaScript: (value: object) => Struct };
};

type Handler = (
  call: { readonly request: unknown },
  done: (error: Error | null | undefined, answer?: unknown) => void,
) => void;
type Service = Readonly<Record<"analyze" | "analyzeStack" | "configure" | "remediate", Handler>>;

/** The service that policies/index.ts starts. */
function serve(): Service {
  const { Server } = ofSdk("@grpc/grpc-js") as {
    Server: { prototype: { addService: unknown; bindAsync: unknown } };
  };
  let service: Service | undefined;
  const take = (_definition: unknown, implementation: Service): void => {
    service = implementation;
  };
  mock.method(Server.prototype as { addService: typeof take }, "addService", take);
  mock.method(Server.prototype as { bindAsync: () => void }, "bindAsync", () => undefined);
  const from = process.cwd();
  // The pack's version is in the package.json of the working directory.
  process.chdir(join(ROOT, "policies"));
  try {
    createRequire(__filename)("../../policies/index.ts");
  } finally {
    process.chdir(from);
    mock.restoreAll();
  }
  assert.ok(service !== undefined, "the pack serves nothing");
  return service;
}
const SERVICE = serve();

function ask<T>(verb: keyof Service, request: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    SERVICE[verb]({ request }, (error, answer) => {
      if (error != null) reject(error);
      else resolve(answer as T);
    });
  });
}

export type Level = "advisory" | "mandatory" | "disabled" | "remediate";

const NUMBERS: Readonly<Record<Level, rpc.EnforcementLevel>> = {
  advisory: rpc.EnforcementLevel.ADVISORY,
  mandatory: rpc.EnforcementLevel.MANDATORY,
  disabled: rpc.EnforcementLevel.DISABLED,
  remediate: rpc.EnforcementLevel.REMEDIATE,
};

const LEVELS = new Map<number, Level>(
  (Object.keys(NUMBERS) as Level[]).map((level) => [NUMBERS[level], level]),
);

/** A policy's entry in policies/config.json. */
export type Settings = { readonly enforcementLevel?: Level } & Readonly<Record<string, unknown>>;

/** Sends every policy's level and the given settings, as the engine does. */
async function configure(policy: string, settings: Settings): Promise<void> {
  const request = new rpc.ConfigureAnalyzerRequest();
  for (const { name, enforcementLevel } of POLICIES) {
    const { enforcementLevel: level = enforcementLevel, ...own } = name === policy ? settings : {};
    const config = new rpc.PolicyConfig();
    config.setEnforcementlevel(NUMBERS[level]);
    config.setProperties(structs.Struct.fromJavaScript(own));
    request.getPolicyconfigMap().set(name, config);
  }
  await ask("configure", request);
}

function resourceOf<T extends rpc.AnalyzeRequest | rpc.AnalyzerResource>(given: Given, into: T): T {
  const { type, name = "it", below = "", protect = false, props } = given;
  const options = new rpc.AnalyzerResourceOptions();
  options.setProtect(protect);
  into.setType(type);
  into.setName(name);
  into.setUrn(`urn:pulumi:dev::mirlab::${below}${type}::${name}`);
  into.setOptions(options);
  // By way of JSON, which drops undefined values.
  into.setProperties(structs.Struct.fromJavaScript(JSON.parse(JSON.stringify(props)) as object));
  return into;
}

export interface Finding {
  readonly level: Level;
  readonly message: string;
}

/** The findings of one policy on a stack, with settings. */
export async function findings(
  policy: string,
  stack: readonly Given[],
  settings: Settings = {},
): Promise<Finding[]> {
  await configure(policy, settings);
  const whole = new rpc.AnalyzeStackRequest();
  const answers: rpc.AnalyzeResponse[] = [];
  for (const given of stack) {
    // First, as it receives which inputs are secret.
    await ask("remediate", resourceOf(given, new rpc.AnalyzeRequest()));
    answers.push(await ask("analyze", resourceOf(given, new rpc.AnalyzeRequest())));
    whole.addResources(resourceOf(given, new rpc.AnalyzerResource()));
  }
  answers.push(await ask("analyzeStack", whole));
  return answers
    .flatMap((answer) => answer.getDiagnosticsList())
    .filter((found) => found.getPolicyname() === policy)
    .map((found) => ({
      level: LEVELS.get(found.getEnforcementlevel()) ?? "disabled",
      message: found.getMessage(),
    }));
}

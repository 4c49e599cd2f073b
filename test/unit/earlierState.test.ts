/**
 * A lab of the version before the folders were concepts goes on: its state, exported from a real lab, has
 * what the program of today declares. `$MIRLAB_HOME` stands for the home of that lab; secrets and
 * connections are left out, and a script sent to the guest is kept as its digest.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { host, PRIVATE, programs, run } from "./program";
import { mockEngine, providerOf, registered, resourceNamed } from "./pulumi";
import { fixture, ROOT } from "./support";

interface Kept {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

const home = process.env.MIRLAB_HOME ?? "";
const STATE = JSON.parse(
  fixture("state-before-rooms.json").replaceAll("$MIRLAB_HOME", home),
) as Kept[];
const kept = (name: string): Kept => {
  const found = STATE.find((resource) => resource.name === name);
  assert.ok(found !== undefined, name);
  return found;
};
const DYNAMIC = STATE.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"));

/** Resources whose script has changed since: `up` runs it again. */
const NEWER = new Set(["mir-session-unit"]);

/** What the engine would find of the lab. */
function outputsOf(type: string, name: string): Record<string, unknown> {
  const outputs = STATE.find((resource) => resource.name === name)?.outputs ?? {};
  if (!type.endsWith(":GuestAccess")) return outputs;
  const directory = outputs.directory as string;
  mkdirSync(directory, { recursive: true });
  for (const key of ["id_ed25519", "host_ed25519"]) writeFileSync(join(directory, key), PRIVATE);
  return outputs;
}

/** Inputs as the fixture has them. */
function comparable(inputs: Record<string, unknown>): Record<string, unknown> {
  const { connection: _, stdin, ...rest } = inputs;
  const digest = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const all = typeof stdin === "string" ? { ...rest, stdin: digest(stdin) } : rest;
  // As JSON: an unset key is no key.
  return JSON.parse(JSON.stringify(all)) as Record<string, unknown>;
}

mockEngine(outputsOf, "before", () =>
  Object.fromEntries(
    STATE.map(({ type, name, outputs }) => [
      `urn:pulumi:before::mirlab::${type}::${name}`,
      { type, outputs },
    ]),
  ),
);

describe("a state of the version before", () => {
  before(async () => {
    host();
    const { image } = (kept("host-contract").inputs.guests as { disk: { image: string } }[])[0]
      ?.disk ?? {
      image: "",
    };
    const key = /([0-9a-f]{64})\.qcow2$/.exec(image)?.[1] ?? "";
    assert.notEqual(key, "");
    programs.set(
      "bash",
      `cat >/dev/null
case "$*" in
  "scripts/host/image-build.sh key "*) echo ${key} ;;
  *) cat "${programs.folder}/facts" ;;
esac`,
    );
    writeFileSync(join(home, "owner"), `${kept("host-contract").inputs.owner as string}\n`);
    await run({ guests: [{ name: "mir", image: { source: "debian", suite: "bookworm" } }] });
  });

  it("holds a whole lab", () => {
    assert.equal(DYNAMIC.length, 9);
    assert.equal(STATE.length, 20);
  });

  it("has the resources of today, under the names of today", () => {
    const names = (all: readonly { type: string; name: string }[]) =>
      all.map(({ type, name }) => `${type} ${name}`).sort();
    const today = registered.filter(({ type }) => !/^(pulumi:|mirlab:)/.test(type));
    assert.deepEqual(names(today), names(STATE));
  });

  for (const { name, inputs } of STATE.filter((resource) => !DYNAMIC.includes(resource))) {
    it(`has of ${name} what is declared today`, () => {
      const today = comparable(resourceNamed(name).inputs);
      if (!NEWER.has(name)) assert.deepEqual(today, inputs);
      else assert.deepEqual({ ...today, stdin: "" }, { ...inputs, stdin: "" });
    });
  }

  for (const { name, id, outputs, inputs } of DYNAMIC) {
    it(`asks for the handler of ${name} as today, which finds nothing to change`, async () => {
      const resource = resourceNamed(name);
      assert.equal(resource.inputs.__provider, inputs.__provider);
      process.chdir(ROOT);
      const provider = providerOf(resource);
      const news = comparable(resource.inputs);
      const checked = await provider.check?.(inputs, news);
      assert.deepEqual(checked?.failures ?? [], []);
      const diff = await provider.diff?.(id, outputs, news);
      assert.deepEqual([diff?.changes, diff?.replaces ?? []], [false, []]);
    });
  }

  it("is seen as changed where the declaration is another", async () => {
    const { id, outputs } = kept("mir-readiness");
    const resource = resourceNamed("mir-readiness");
    const news = { ...comparable(resource.inputs), bootId: "another boot" };
    const diff: pulumi.dynamic.DiffResult | undefined = await providerOf(resource).diff?.(
      id,
      outputs,
      news,
    );
    assert.equal(diff?.changes, true);
  });
});

/** Gets a kernel or a Mesa into a guest: from a suite, from a file, or compiled there. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { identityOf, Origin } from "../lib/origin";
import { meets, parseRequirement } from "../lib/requirement";
import { plainConsole } from "../lib/serialLog";
import { Build, Built } from "./guestBuild";
import { GuestPartInputs, Part, partStep } from "./guestPart";
import { runInGuest } from "./link";

/** A download and unpacked packages, in an emulated guest. */
const INSTALL_MS = 3_600_000;
const TELL_EVERY_MS = 30_000;

/** What the part's gate asks for, where a version does not meet it. */
export function openGate(
  part: Part,
  { gates }: GuestPartInputs,
  found: string,
): string | undefined {
  const wanted = parseRequirement(gates[part]);
  return wanted === undefined || meets(found, wanted) ? undefined : wanted.text;
}

async function packageFile(what: string, deb: string, sha256: string): Promise<Buffer> {
  const data = await readFile(deb).catch((error: Error) => {
    throw new Error(`${what}.package.deb: ${error.message}; required a readable file`);
  });
  const found = createHash("sha256").update(data).digest("hex");
  if (found === sha256) return data;
  throw new Error(
    `${what}.package.deb: ${deb} has SHA-256 ${found}, required ${sha256}; nothing was installed`,
  );
}

/** Tells how far the guest is, until the work is done. */
async function toldAsItGoes<T>(part: Part, inputs: GuestPartInputs, work: Promise<T>): Promise<T> {
  const started = Date.now();
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const { stdout } = await runInGuest(inputs.guest, `${part}.sh`, ["progress"]);
    const line = plainConsole(stdout.toString()).trim().slice(-200);
    const elapsed = ((Date.now() - started) / 1000).toFixed(0);
    if (line !== "") console.log(`${inputs.name}: ${part}: ${line}; ${elapsed} s`);
    asking = false;
  };
  const timer = setInterval(() => void ask(), TELL_EVERY_MS);
  return work.finally(() => {
    clearInterval(timer);
  });
}

type Packaged = Exclude<Origin, { kind: "build" }>;

/**
 * Has the part's script install what an origin names; gives its version, or release. `needs`: what a
 * build has to have for this guest.
 */
export function installPart(
  part: Part,
  inputs: GuestPartInputs,
  origin: Origin,
  needs: readonly string[] = [],
): Promise<string> {
  return origin.kind === "build"
    ? installBuilt(part, inputs, origin, needs)
    : toldAsItGoes(part, inputs, installFrom(part, inputs, origin));
}

/** What a base `running` is made from, as the guest has recorded it. */
async function recorded(
  part: Part,
  inputs: GuestPartInputs,
  basis: string | undefined,
): Promise<string | undefined> {
  if (basis === undefined) return undefined;
  const text = `${await partStep(part, inputs, "its own kernel's configuration", ["basis"])}\n`;
  const found = createHash("sha256").update(text).digest("hex");
  if (found === basis) return text;
  throw new Error(
    `${inputs.name}: ${part}: found SHA-256 ${found} of the recorded configuration, required ${basis}; run 'up' again`,
  );
}

function buildOf(
  inputs: GuestPartInputs,
  origin: Origin,
  needs: readonly string[] = [],
  basis?: string,
): Build {
  const { place, guest, host, acceleration, name } = inputs;
  if (place === undefined || origin.kind !== "build")
    throw new Error(`${name}: no place to build in`);
  return new Build({
    ...{ guest, acceleration, name, place, order: origin.order, needs },
    ...(host === undefined ? {} : { host }),
    ...(basis === undefined ? {} : { basis }),
  });
}

async function installBuilt(
  part: Part,
  inputs: GuestPartInputs,
  origin: Extract<Origin, { kind: "build" }>,
  needs: readonly string[],
): Promise<string> {
  const basis = await recorded(part, inputs, origin.order.basis);
  const build = buildOf(inputs, origin, needs, basis);
  const built = await build.make((version) => {
    const wanted = openGate(part, inputs, version);
    if (wanted === undefined) return;
    throw new Error(
      `${inputs.name}: ${part}: found ${version} in the source, required ${wanted}; nothing was built; use another ${part}.build.source, or lower gates.${part}`,
    );
  });
  const installed = installPackage(part, inputs, built, identityOf(origin));
  const version = await toldAsItGoes(part, inputs, installed);
  await build.keep();
  return version;
}

/** Of a run that was killed before it had: the package is kept, and the guest has its room again. */
export async function keepBuild(
  inputs: GuestPartInputs,
  origin: Origin | undefined,
): Promise<void> {
  if (origin?.kind === "build") await buildOf(inputs, origin).keep();
}

function installPackage(
  part: Part,
  inputs: GuestPartInputs,
  built: Built,
  identity: string,
): Promise<string> {
  const timeoutMs = INSTALL_MS;
  const what = `the built ${part}`;
  if (built.in === "guest") {
    return partStep(part, inputs, what, ["install", "built", identity], { timeoutMs });
  }
  const sum = createHash("sha256").update(built.deb).digest("hex");
  const options = { stdin: built.deb, timeoutMs };
  return partStep(part, inputs, what, ["install", "deb", sum, identity], options);
}

async function installFrom(part: Part, inputs: GuestPartInputs, origin: Packaged): Promise<string> {
  const [timeoutMs, identity] = [INSTALL_MS, identityOf(origin)];
  if (origin.kind === "suite") {
    const { suite, name } = origin;
    const args = ["install", "suite", suite, name, identity];
    const what = name === part ? part : `${part} ${name}`;
    return partStep(part, inputs, `${what} of ${suite}`, args, { timeoutMs });
  }
  const stdin = await packageFile(`${inputs.name}: ${part}`, origin.deb, origin.sha256);
  const args = ["install", "deb", origin.sha256, identity];
  return partStep(part, inputs, `${part} in ${origin.deb}`, args, { stdin, timeoutMs });
}

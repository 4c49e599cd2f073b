/** Gets a kernel or a Mesa into a guest: from a suite, from a file, or compiled there. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { identityOf, Origin, Software, SoftwareInputs } from "./software";
import { meets, parseRequirement } from "../../core/requirement";
import { plainConsole } from "../../core/serialLog";
import { Build, Built } from "./build.io";
import { softwareStep } from "./software.io";
import { runInGuest } from "../../core/link.io";

/** A download and unpacked packages, in an emulated guest. */
const INSTALL_MS = 3_600_000;
const TELL_EVERY_MS = 30_000;

/** What the software's gate asks for, where a version does not meet it. */
export function openGate(
  software: Software,
  { gates }: SoftwareInputs,
  found: string,
): string | undefined {
  const wanted = parseRequirement(gates[software]);
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
async function toldAsItGoes<T>(
  software: Software,
  inputs: SoftwareInputs,
  work: Promise<T>,
): Promise<T> {
  const started = Date.now();
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const { stdout } = await runInGuest(inputs.guest, `${software}.sh`, ["progress"]);
    const line = plainConsole(stdout.toString()).trim().slice(-200);
    const elapsed = ((Date.now() - started) / 1000).toFixed(0);
    if (line !== "") console.log(`${inputs.name}: ${software}: ${line}; ${elapsed} s`);
    asking = false;
  };
  const timer = setInterval(() => void ask(), TELL_EVERY_MS);
  return work.finally(() => {
    clearInterval(timer);
  });
}

type Packaged = Exclude<Origin, { kind: "build" }>;

/**
 * Has the software's script install what an origin names; gives its version, or release. `needs`: what a
 * build has to have for this guest.
 */
export function installSoftware(
  software: Software,
  inputs: SoftwareInputs,
  origin: Origin,
  needs: readonly string[] = [],
): Promise<string> {
  return origin.kind === "build"
    ? installBuilt(software, inputs, origin, needs)
    : toldAsItGoes(software, inputs, installFrom(software, inputs, origin));
}

/** What a base `running` is made from, as the guest has recorded it. */
async function recorded(
  software: Software,
  inputs: SoftwareInputs,
  basis: string | undefined,
): Promise<string | undefined> {
  if (basis === undefined) return undefined;
  const text = `${await softwareStep(software, inputs, "its own kernel's configuration", ["basis"])}\n`;
  const found = createHash("sha256").update(text).digest("hex");
  if (found === basis) return text;
  throw new Error(
    `${inputs.name}: ${software}: found SHA-256 ${found} of the recorded configuration, required ${basis}; run 'up' again`,
  );
}

function buildOf(
  inputs: SoftwareInputs,
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
  software: Software,
  inputs: SoftwareInputs,
  origin: Extract<Origin, { kind: "build" }>,
  needs: readonly string[],
): Promise<string> {
  const basis = await recorded(software, inputs, origin.order.basis);
  const build = buildOf(inputs, origin, needs, basis);
  const built = await build.make((version) => {
    const wanted = openGate(software, inputs, version);
    if (wanted === undefined) return;
    throw new Error(
      `${inputs.name}: ${software}: found ${version} in the source, required ${wanted}; nothing was built; use another ${software}.build.source, or lower gates.${software}`,
    );
  });
  const installed = installPackage(software, inputs, built, identityOf(origin));
  const version = await toldAsItGoes(software, inputs, installed);
  await build.keep();
  return version;
}

/** Of a run that was killed before it had: the package is kept, and the guest has its room again. */
export async function keepBuild(inputs: SoftwareInputs, origin: Origin | undefined): Promise<void> {
  if (origin?.kind === "build") await buildOf(inputs, origin).keep();
}

function installPackage(
  software: Software,
  inputs: SoftwareInputs,
  built: Built,
  identity: string,
): Promise<string> {
  const timeoutMs = INSTALL_MS;
  const what = `the built ${software}`;
  if (built.in === "guest") {
    return softwareStep(software, inputs, what, ["install", "built", identity], { timeoutMs });
  }
  const sum = createHash("sha256").update(built.deb).digest("hex");
  const options = { stdin: built.deb, timeoutMs };
  return softwareStep(software, inputs, what, ["install", "deb", sum, identity], options);
}

async function installFrom(
  software: Software,
  inputs: SoftwareInputs,
  origin: Packaged,
): Promise<string> {
  const [timeoutMs, identity] = [INSTALL_MS, identityOf(origin)];
  if (origin.kind === "suite") {
    const { suite, name } = origin;
    const args = ["install", "suite", suite, name, identity];
    const what = name === software ? software : `${software} ${name}`;
    return softwareStep(software, inputs, `${what} of ${suite}`, args, { timeoutMs });
  }
  const stdin = await packageFile(`${inputs.name}: ${software}`, origin.deb, origin.sha256);
  const args = ["install", "deb", origin.sha256, identity];
  return softwareStep(software, inputs, `${software} in ${origin.deb}`, args, { stdin, timeoutMs });
}

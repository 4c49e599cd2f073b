/** Installs a kernel or a Mesa in a guest: from a suite, from a file, or compiled there. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { identityOf, Origin, Software, SoftwareInputs } from "./software";
import { meets, parseRequirement } from "../../core/requirement";
import { plainConsole } from "../../core/serialLog";
import { Build, Built } from "./build.io";
import { softwareStep } from "./software.io";
import { runInGuest } from "../../core/link.io";

/** Allows an emulated guest to download and unpack packages. */
const INSTALL_MS = 3_600_000;
const PROGRESS_EVERY_MS = 30_000;

/** The gate's requirement if `found` does not meet it, else undefined. */
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
    throw new Error(`${what}.package.deb: found ${error.message}; need a readable file`);
  });
  const found = createHash("sha256").update(data).digest("hex");
  if (found === sha256) return data;
  throw new Error(
    `${what}.package.deb: found SHA-256 ${found} of ${deb} (nothing was installed); need ${sha256}; fix: correct package.sha256, or the file`,
  );
}

/** Prints the guest's progress until the work is done. */
async function withProgress<T>(
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
  const timer = setInterval(() => void ask(), PROGRESS_EVERY_MS);
  return work.finally(() => {
    clearInterval(timer);
  });
}

type Packaged = Exclude<Origin, { kind: "build" }>;

/**
 * Installs an origin by the software's script; returns the Mesa version or kernel release. `needs`:
 * what a build must contain for this guest.
 */
export function installSoftware(
  software: Software,
  inputs: SoftwareInputs,
  origin: Origin,
  needs: readonly string[] = [],
): Promise<string> {
  return origin.kind === "build"
    ? installBuilt(software, inputs, origin, needs)
    : withProgress(software, inputs, installFrom(software, inputs, origin));
}

/** The configuration for base `running`, which the guest recorded. */
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
    `${inputs.name}: ${software}: found SHA-256 ${found} of the recorded configuration; need ${basis}; fix: run 'up' again`,
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
      `${inputs.name}: ${software}: found ${version} in the source (nothing was built); need ${wanted}; fix: use another ${software}.build.source, or lower gates.${software}`,
    );
  });
  const installed = installPackage(software, inputs, built, identityOf(origin));
  const version = await withProgress(software, inputs, installed);
  await build.keep();
  return version;
}

/** Finishes a run that was killed before it stored the package and removed the build in the guest. */
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

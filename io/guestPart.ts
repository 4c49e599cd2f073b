/** What kernel and Mesa of a guest have in common: steps of their scripts, and the checks after them. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { judge } from "../lib/checks";
import { isMet, Verdict, verdictText } from "../lib/checks/verdict";
import { GuestLook } from "../lib/guestFacts";
import { LIMITS_S } from "../lib/limits";
import { Origin, PartConfig } from "../lib/origin";
import { GateRequirements } from "../lib/requirement";
import { plainConsole } from "../lib/serialLog";
import { RunResult } from "./exec";
import { GuestBootInputs } from "./guestBoot";
import { connectionFault, runInGuest } from "./link";
import { probe, UP } from "./mirReadiness";
import { waitFor } from "./wait";

export interface GuestPartInputs extends Omit<GuestBootInputs, "installed"> {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly config: PartConfig;
  readonly gates: GateRequirements;
  /** The guest has a share: its kernel needs 9p. */
  readonly share: boolean;
  /** What `up` does with a guest that was changed by somebody else. */
  readonly onDrift: "heal" | "report";
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
export function pickPart(i: GuestPartInputs): GuestPartInputs {
  const { guest, domain, uuid, acceleration, serialLog, name, config, gates, share, onDrift } = i;
  return {
    ...{ guest, domain, uuid, acceleration, serialLog, name, config, gates, share, onDrift },
    ...(i.host === undefined ? {} : { host: i.host }),
  };
}

type Part = "kernel" | "mesa";

/** A download and unpacked packages, in an emulated guest. */
const INSTALL_MS = 3_600_000;
const STEP_MS = 900_000;
const TELL_EVERY_MS = 30_000;

/** What a script that tells of the guest has said. Throws with the reason when it has not. */
export function toldBy(result: RunResult): string {
  if (result.code === 0) return result.stdout.toString();
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(reason || "no answer");
}

/** One verb of the part's script; standard input is its data, and the last line of its words the reason. */
export async function partStep(
  part: Part,
  { guest, name }: GuestPartInputs,
  what: string,
  args: readonly string[],
  options: { readonly stdin?: Buffer; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { stdin = "", timeoutMs = STEP_MS } = options;
  const done = await runInGuest(guest, `${part}.sh`, args, { stdin, timeoutMs });
  if (done.code === 0) return done.stdout.toString().trim();
  const lost = connectionFault(done) === undefined ? "" : "; it goes on there: run 'up' again";
  const reason = done.stderr.trim() || (done.timedOut ? "no end in time" : "no message");
  throw new Error(`${name}: ${what}: ${reason}${lost}`);
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

/** Has the part's script install what an origin names; its last word is the version, or release. */
export function installPart(
  part: Part,
  inputs: GuestPartInputs,
  origin: Origin,
  identity: string,
): Promise<string> {
  return toldAsItGoes(part, inputs, installFrom(part, inputs, origin, identity));
}

async function installFrom(
  part: Part,
  inputs: GuestPartInputs,
  origin: Origin,
  identity: string,
): Promise<string> {
  const timeoutMs = INSTALL_MS;
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

/** Fatal checks of boot and graphics that the guest does not meet now. */
function openVerdicts(
  part: Part,
  inputs: GuestPartInputs,
  look: Parameters<typeof judge>[0],
): Verdict[] {
  const share = { path: "", mount: "", readonly: false };
  const wanted = { gates: inputs.gates, picture: "", ...(inputs.share ? { share } : {}) };
  // Of a kernel Mir's own tests run before a session: without one there are none yet, and
  // MirReadiness asks. Another Mesa comes after another kernel.
  const hasSession = look.guest?.facts.unit?.loadState === "loaded";
  const later = part === "mesa" ? [] : ["mesa", ...(hasSession ? [] : ["harness"])];
  const asked = (v: Verdict): boolean =>
    v.tier === "session" ? part === "mesa" && v.id === "test-client" : !later.includes(v.id);
  return judge(look, wanted).filter((v) => v.fatal && !isMet(v) && asked(v));
}

/**
 * The look in which the guest met the checks of boot and graphics with the new part. Rejects with
 * those that it does not meet.
 */
export async function passes(part: Part, inputs: GuestPartInputs): Promise<GuestLook> {
  const { acceleration, domain } = inputs;
  const what = `${domain}: checks of the new ${part === "kernel" ? "boot" : "Mesa"}:`;
  // No stall: a kernel is not judged by how busy its host is.
  const limitS = LIMITS_S[acceleration].session;
  return waitFor<GuestLook>({ what, limitS }, async () => {
    const guest = await probe(inputs.guest);
    if (typeof guest === "string") return { notYet: guest };
    const open = openVerdicts(part, inputs, { guest, proofs: UP });
    if (open.length === 0) return { value: guest };
    // A session that starts tests a new kernel for the first time.
    const stays = open.filter((v) => !v.settles && (part === "mesa" || v.id !== "harness"));
    if (stays.length > 0) throw new Error(stays.map(verdictText).join("\n"));
    return { notYet: `not yet ${open.map((v) => v.id).join(", ")}` };
  });
}

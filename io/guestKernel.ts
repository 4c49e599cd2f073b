/** Handler of GuestKernel: brings the guest to the kernel that its gate and source ask for. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { judge } from "../lib/checks";
import { isMet, Verdict, verdictText } from "../lib/checks/verdict";
import {
  identityOf,
  KernelConfig,
  KernelDecision,
  KernelFacts,
  KernelOrigin,
  KernelPlan,
  kernelPlan,
  neededSymbols,
  readKernelFacts,
} from "../lib/guestKernel";
import { LIMITS_S } from "../lib/limits";
import { GateRequirements, meets, parseRequirement } from "../lib/requirement";
import { plainConsole } from "../lib/serialLog";
import { serialTail } from "./domain";
import { failWithEvidence } from "./evidence";
import { RunResult } from "./exec";
import { GuestBootInputs, waitForSsh } from "./guestBoot";
import { forgetLooks, lookAtGuest } from "./guestLook";
import { Boot, powerCycle, reboot } from "./guestReboot";
import { connectionFault, runInGuest } from "./link";
import { probe, UP } from "./mirReadiness";
import { Stuck } from "./stuck";
import { waitFor } from "./wait";

export interface GuestKernelInputs extends Omit<GuestBootInputs, "installed"> {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly config: KernelConfig;
  readonly gates: GateRequirements;
  /** The guest has a share: its kernel needs 9p. */
  readonly share: boolean;
  /** What `up` does with a guest that was changed by somebody else. */
  readonly onDrift: "heal" | "report";
}

export interface GuestKernelProps extends GuestKernelInputs {
  /** `unreachable`: the facts are the last known ones. */
  readonly status: "as decided" | "to do" | "unreachable";
  readonly decided: KernelDecision | null;
  readonly boots: string;
  /** Without what changes at every boot. */
  readonly facts: KernelFacts;
}

/** A download and an unpacked kernel, in an emulated guest. */
const INSTALL_MS = 3_600_000;
const STEP_MS = 900_000;
const LINES = 40;
const TELL_EVERY_MS = 30_000;

function pick(i: GuestKernelInputs): GuestKernelInputs {
  const { guest, domain, uuid, acceleration, serialLog, name, config, gates, share, onDrift } = i;
  return {
    ...{ guest, domain, uuid, acceleration, serialLog, name, config, gates, share, onDrift },
    ...(i.host === undefined ? {} : { host: i.host }),
  };
}

const settledFacts = (facts: KernelFacts): KernelFacts => ({ ...facts, bootId: "" });

function factsOf(result: RunResult): KernelFacts {
  if (result.code === 0) return readKernelFacts(result.stdout.toString());
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(reason || "no answer");
}

/** One verb of the script; standard input is its data, and the last line of its words the reason. */
async function step(
  { guest, name }: GuestKernelInputs,
  what: string,
  args: readonly string[],
  options: { readonly stdin?: Buffer; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { stdin = "", timeoutMs = STEP_MS } = options;
  const done = await runInGuest(guest, "kernel.sh", args, { stdin, timeoutMs });
  if (done.code === 0) return done.stdout.toString().trim();
  const lost = connectionFault(done) === undefined ? "" : "; it goes on there: run 'up' again";
  const reason = done.stderr.trim() || (done.timedOut ? "no end in time" : "no message");
  throw new Error(`${name}: ${what}: ${reason}${lost}`);
}

async function packageFile(name: string, deb: string, sha256: string): Promise<Buffer> {
  const data = await readFile(deb).catch((error: Error) => {
    throw new Error(`${name}: kernel.package.deb: ${error.message}; required a readable file`);
  });
  const found = createHash("sha256").update(data).digest("hex");
  if (found === sha256) return data;
  throw new Error(
    `${name}: kernel.package.deb: ${deb} has SHA-256 ${found}, required ${sha256}; nothing was installed`,
  );
}

/** Tells how far the guest is, until the work is done. */
async function toldAsItGoes<T>(inputs: GuestKernelInputs, work: Promise<T>): Promise<T> {
  const started = Date.now();
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const { stdout } = await runInGuest(inputs.guest, "kernel.sh", ["progress"]);
    const line = plainConsole(stdout.toString()).trim().slice(-200);
    const elapsed = ((Date.now() - started) / 1000).toFixed(0);
    if (line !== "") console.log(`${inputs.name}: kernel: ${line}; ${elapsed} s`);
    asking = false;
  };
  const timer = setInterval(() => void ask(), TELL_EVERY_MS);
  return work.finally(() => {
    clearInterval(timer);
  });
}

function install(inputs: GuestKernelInputs, origin: KernelOrigin): Promise<string> {
  return toldAsItGoes(inputs, installFrom(inputs, origin));
}

async function installFrom(inputs: GuestKernelInputs, origin: KernelOrigin): Promise<string> {
  const identity = identityOf(origin);
  const timeoutMs = INSTALL_MS;
  if (origin.kind === "suite") {
    const { suite, name } = origin;
    return step(inputs, `kernel ${name} of ${suite}`, ["install", "suite", suite, name, identity], {
      timeoutMs,
    });
  }
  const stdin = await packageFile(inputs.name, origin.deb, origin.sha256);
  const args = ["install", "deb", origin.sha256, identity];
  return step(inputs, `kernel in ${origin.deb}`, args, { stdin, timeoutMs });
}

/** Fatal checks of boot and graphics that the running kernel does not meet. */
function openVerdicts(inputs: GuestKernelInputs, look: Parameters<typeof judge>[0]): Verdict[] {
  const share = { path: "", mount: "", readonly: false };
  const wanted = { gates: inputs.gates, picture: "", ...(inputs.share ? { share } : {}) };
  // Mir's own test runs before a session: without one there is none yet, and MirReadiness asks.
  const hasSession = look.guest?.facts.unit?.loadState === "loaded";
  return judge(look, wanted).filter(
    (v) =>
      v.fatal && !isMet(v) && v.tier !== "session" && (hasSession || !v.id.startsWith("harness")),
  );
}

/** Rejects with the checks that this boot does not meet. */
async function passes(inputs: GuestKernelInputs): Promise<void> {
  const { acceleration, domain } = inputs;
  // No stall: a kernel is not judged by how busy its host is.
  const limitS = LIMITS_S[acceleration].session;
  await waitFor({ what: `${domain}: checks of the new boot:`, limitS }, async () => {
    const guest = await probe(inputs.guest);
    if (typeof guest === "string") return { notYet: guest };
    const open = openVerdicts(inputs, { guest, proofs: UP });
    if (open.length === 0) return { value: undefined };
    // A session that starts tests this kernel for the first time.
    const stays = open.filter((v) => !v.settles && v.id !== "harness");
    if (stays.length > 0) throw new Error(stays.map(verdictText).join("\n"));
    return { notYet: `not yet ${open.map((v) => v.id).join(", ")}` };
  });
}

/** The guest is on its old kernel again; says why, and what the console said. */
async function fallBack(
  inputs: GuestKernelInputs,
  { bootId, running }: KernelFacts,
  release: string,
  reason: Error,
): Promise<never> {
  const { name, serialLog, host } = inputs;
  // Before another boot writes over it.
  const tail = serialLog === "" ? "" : plainConsole(await serialTail(host, serialLog, LINES));
  const back = await comeBack(inputs, bootId, release);
  // A guest that is stuck is told with its console's lines: those come last here.
  const found = reason instanceof Stuck ? reason.outcome.found : reason.message;
  const log = tail === "" ? "" : `\nlast lines of ${serialLog}:\n${tail}`;
  if (back.release === release) {
    throw new Error(
      `${name}: kernel ${release} did not pass, and the guest still runs it; required ${running}: see its boot loader\n${found}${log}`,
    );
  }
  const taken = await step(inputs, `kernel ${release}`, ["back", release]).then(
    () => "was taken away",
    (error: Error) => `could not be taken away (${error.message})`,
  );
  throw new Error(
    `${name}: kernel ${release} did not pass its one boot: found ${found}; required a boot that passes the checks of boot and graphics; ` +
      `the guest runs ${back.release} again, and ${release} ${taken}; use another kernel.package, or lower gates.kernel${log}`,
  );
}

/** Whatever runs now: the guest by its own will where it can, else by a power cycle. */
async function comeBack(inputs: GuestKernelInputs, before: string, release: string): Promise<Boot> {
  const now = await lookNow(inputs).catch(() => undefined);
  if (now !== undefined && now.running !== release) {
    return { bootId: now.bootId, release: now.running };
  }
  if (now === undefined) return powerCycle(inputs, before);
  return reboot(inputs, now.bootId, "back to the old kernel").catch(() =>
    powerCycle(inputs, now.bootId),
  );
}

/** Boots a release once. It becomes nothing by that: the boot after it is the old kernel's again. */
async function bootOnce(
  inputs: GuestKernelInputs,
  facts: KernelFacts,
  release: string,
): Promise<Boot> {
  const trial = ["trial", release, ...neededSymbols(inputs.share)];
  await step(inputs, `kernel ${release}`, trial).catch(async (error: Error) => {
    await step(inputs, `kernel ${release}`, ["back", release]);
    throw new Error(`${error.message}\nit was not booted, and is not installed any more`);
  });
  console.log(
    `${inputs.name}: kernel ${release} is booted once; ${facts.running} stays the default`,
  );
  try {
    const boot = await reboot(inputs, facts.bootId, `boot of ${release}`);
    if (boot.release !== release) {
      throw new Error(`${boot.release} after the boot: ${release} did not come up`);
    }
    await passes(inputs);
    return boot;
  } catch (error) {
    return fallBack(inputs, facts, release, error as Error);
  }
}

async function lookNow({ guest }: GuestKernelInputs): Promise<KernelFacts> {
  return factsOf(await runInGuest(guest, "kernel.py", [], { timeoutMs: 120_000 }));
}

/** A kernel that would not meet its own gate is not worth a boot. */
async function mustMeet(inputs: GuestKernelInputs, release: string): Promise<void> {
  const wanted = parseRequirement(inputs.gates.kernel);
  if (wanted === undefined || meets(release, wanted)) return;
  await step(inputs, `kernel ${release}`, ["back", release]);
  throw new Error(
    `${inputs.name}: kernel: found ${release} in the package, required ${wanted.text}; it was not booted; use another kernel.package, or lower gates.kernel`,
  );
}

const planFor = (i: GuestKernelInputs, facts: KernelFacts): KernelPlan =>
  kernelPlan(i.config, i.gates.kernel, facts, i.acceleration);

type Before = Pick<GuestKernelProps, "decided" | "boots">;

/** Takes the plan's steps. What cannot be done leaves the guest on the kernel that it had. */
async function follow(
  inputs: GuestKernelInputs,
  before: Before | undefined,
): Promise<GuestKernelProps> {
  forgetLooks();
  // The guest may have been started by this very `up`, or be on its way from the one before.
  await waitForSsh(inputs);
  let facts = await lookNow(inputs);
  const plan = planFor(inputs, facts);
  // Of an update `diff` has told it.
  if (before === undefined && plan.words !== "") console.log(`${inputs.name}: ${plan.words}`);
  let { release } = plan;
  let boots = before?.boots ?? "";
  for (const next of plan.steps) {
    if (next.do === "install") {
      release = await install(inputs, next.origin);
      await mustMeet(inputs, release);
      facts = await lookNow(inputs);
      continue;
    }
    if (release === undefined) throw new Error(`${inputs.name}: kernel: no release to ${next.do}`);
    if (next.do === "boot" && facts.running !== release) {
      boots = (await bootOnce(inputs, facts, release)).bootId;
    }
    if (next.do === "keep") {
      await passes(inputs);
      await step(inputs, `kernel ${release}`, ["keep", release]);
    }
    if (next.do === "restore") await step(inputs, "the distribution's kernel", ["restore"]);
  }
  if (plan.steps.length > 0) facts = await lookNow(inputs);
  const left = planFor(inputs, facts);
  if (left.words !== "") throw new Error(`${inputs.name}: kernel: still to do: ${left.words}`);
  return {
    ...pick(inputs),
    ...{ status: "as decided", boots, facts: settledFacts(facts) },
    decided: decision(left, plan.steps.length > 0, facts, before?.decided ?? null),
  };
}

/** Where the lab has once decided on a kernel the guest's contract follows it, back again too. */
function decision(
  { target, release = "" }: KernelPlan,
  acted: boolean,
  { running }: KernelFacts,
  before: GuestKernelProps["decided"],
): GuestKernelProps["decided"] {
  if (target === "ours") return { release, pinned: true };
  return acted ? { release: running, pinned: false } : before;
}

const converge = (inputs: GuestKernelInputs, before?: Before): Promise<GuestKernelProps> =>
  follow(inputs, before).catch(failWithEvidence(dirname(inputs.guest.config), inputs));

export const provider: pulumi.dynamic.ResourceProvider<GuestKernelInputs, GuestKernelProps> = {
  async create(inputs) {
    const outs = await converge(inputs);
    return { id: `${inputs.guest.alias}-kernel`, outs };
  },
  /** Looks without changing anything. What is to be done is told by `diff`: it knows the new gate. */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    try {
      const { result } = await lookAtGuest(props.guest, "kernel.py");
      const facts = settledFacts(factsOf(result));
      const { words } = planFor(props, facts);
      return { id, props: { ...props, facts, status: words === "" ? "as decided" : "to do" } };
    } catch {
      return { id, props: { ...props, status: "unreachable" } };
    }
  },
  async diff(_id, olds, news) {
    const edited = !isDeepStrictEqual(pick(olds), pick(news));
    const { words } = planFor(news, olds.facts);
    if (words !== "") console.log(`${news.name}: ${words}`);
    return { changes: edited || (olds.status !== "unreachable" && words !== "") };
  },
  async update(_id, olds, news) {
    if (news.onDrift === "report" && isDeepStrictEqual(pick(olds), pick(news))) {
      console.log(`${news.name}: kernel: only told: onDrift`);
      return { outs: { ...olds } };
    }
    return { outs: await converge(news, olds) };
  },
};

/** Handler of GuestKernel: brings the guest to the kernel that its gate and source ask for. */
import { paceOf } from "./build";
import {
  KERNEL_PACKAGE,
  KernelFacts,
  KernelPlan,
  kernelPlan,
  neededSymbols,
  readKernelFacts,
  settledConfig,
} from "./kernel";
import { KernelDecision } from "../guest/kernelDecision";
import { originOf, pickSoftware, SoftwareInputs, SoftwareProps } from "./software";
import { plainConsole } from "../../core/serialLog";
import { serialTail } from "../../core/virsh.io";
import { RunResult } from "../../core/exec.io";
import { waitForSsh } from "../guest/boot.io";
import { forgetLooks } from "../guest/look.io";
import { installSoftware, keepBuild, openGate } from "./install.io";
import { softwareStep, passes, answerOf } from "./software.io";
import { softwareProvider } from "./software.provider";
import { Boot, powerCycle, reboot } from "../guest/reboot.io";
import { runInGuest } from "../../core/link.io";
import { Stuck } from "../../core/stuck";

export type GuestKernelInputs = SoftwareInputs;

export interface GuestKernelProps extends SoftwareProps<KernelFacts> {
  readonly decided: KernelDecision | null;
  readonly boots: string;
}

const LINES = 40;

/** As they are kept: without what changes at every boot. */
const settledFacts = (facts: KernelFacts): KernelFacts => ({ ...facts, bootId: "" });

const factsOf = (result: RunResult): KernelFacts => readKernelFacts(answerOf(result));

const step = (inputs: GuestKernelInputs, what: string, args: readonly string[]): Promise<string> =>
  softwareStep("kernel", inputs, what, args);

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
      `the guest runs ${back.release} again, and ${release} ${taken}; use another kernel.${inputs.config.source}, or lower gates.kernel${log}`,
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
    await passes("kernel", inputs);
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
  const wanted = openGate("kernel", inputs, release);
  if (wanted === undefined) return;
  await step(inputs, `kernel ${release}`, ["back", release]);
  throw new Error(
    `${inputs.name}: kernel: found ${release} in the package, required ${wanted}; it was not booted; use another kernel.${inputs.config.source}, or lower gates.kernel`,
  );
}

const planFor = (i: GuestKernelInputs, facts: KernelFacts): KernelPlan =>
  kernelPlan(i.config, i.gates.kernel, facts, paceOf(i.place, i.acceleration));

const hasNoBasis = ({ config }: GuestKernelInputs, { basis }: KernelFacts): boolean =>
  config.build?.base === "running" && basis === null;

type Before = Pick<GuestKernelProps, "decided" | "boots">;

/** Takes the plan's steps. What cannot be done leaves the guest on the kernel that it had. */
async function follow(inputs: GuestKernelInputs, before?: Before): Promise<GuestKernelProps> {
  forgetLooks();
  // The guest may have been started by this very `up`, or be on its way from the one before.
  await waitForSsh(inputs);
  let facts = await lookNow(inputs);
  let plan = planFor(inputs, facts);
  // Of an update `diff` has told it.
  if (before === undefined && plan.words !== "") console.log(`${inputs.name}: ${plan.words}`);
  if (plan.steps[0]?.do === "install" && hasNoBasis(inputs, facts)) {
    await step(inputs, "its own kernel's configuration", ["record"]);
    facts = await lookNow(inputs);
    plan = planFor(inputs, facts);
  }
  let { release } = plan;
  let boots = before?.boots ?? "";
  for (const next of plan.steps) {
    if (next.do === "install") {
      release = await installSoftware("kernel", inputs, next.origin, neededSymbols(inputs.share));
      await mustMeet(inputs, release);
      facts = await lookNow(inputs);
      continue;
    }
    if (release === undefined) throw new Error(`${inputs.name}: kernel: no release to ${next.do}`);
    if (next.do === "boot" && facts.running !== release) {
      boots = (await bootOnce(inputs, facts, release)).bootId;
    }
    if (next.do === "keep") {
      await passes("kernel", inputs);
      await step(inputs, `kernel ${release}`, ["keep", release]);
    }
    if (next.do === "restore") await step(inputs, "the distribution's kernel", ["restore"]);
  }
  if (plan.steps.length > 0) {
    // Of a run that was killed before it had.
    const config = settledConfig(inputs.config, facts);
    const origin = plan.target === "ours" ? originOf(config, KERNEL_PACKAGE) : undefined;
    await keepBuild(inputs, origin);
    facts = await lookNow(inputs);
  }
  const left = planFor(inputs, facts);
  if (left.words !== "") throw new Error(`${inputs.name}: kernel: still to do: ${left.words}`);
  return {
    ...pickSoftware(inputs),
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

export const provider = softwareProvider<KernelFacts, GuestKernelProps>("kernel", {
  factsOf: (result) => settledFacts(factsOf(result)),
  planFor,
  follow,
});

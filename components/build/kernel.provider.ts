/** Handler of GuestKernel: installs and tries the kernel that the gate and the source require. */
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
import { deadlySign, linesSince, plainConsole, tellingLines } from "../../core/serialLog";
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

/** Lines of the serial console in a message, and of a boot, which writes some hundreds. */
const [LINES, BOOT_LINES] = [40, 2000];

/** The facts for the state: without the boot ID, which changes at every boot. */
const settledFacts = (facts: KernelFacts): KernelFacts => ({ ...facts, bootId: "" });

const factsOf = (result: RunResult): KernelFacts => readKernelFacts(answerOf(result));

const step = (inputs: GuestKernelInputs, what: string, args: readonly string[]): Promise<string> =>
  softwareStep("kernel", inputs, what, args);

/** The last lines of the console; empty where the domain has none. */
const readConsole = async (
  { host, serialLog }: GuestKernelInputs,
  lines: number,
): Promise<string> => plainConsole(await serialTail(host, serialLog, lines));

/** The guest came up by itself, with its old kernel: after a panic it resets itself in 10 seconds. */
class OtherRelease extends Error {}

/**
 * Returns the guest to its old kernel; throws with the reason and the console's lines of the trial boot.
 * `consoleBefore`: the console's last lines before that boot.
 */
async function fallBack(
  inputs: GuestKernelInputs,
  { bootId, running }: KernelFacts,
  release: string,
  consoleBefore: string,
  reason: Error,
): Promise<never> {
  const { name, serialLog } = inputs;
  // Read the console before another boot adds lines.
  const since = linesSince(await readConsole(inputs, BOOT_LINES), consoleBefore);
  const tail = tellingLines(since, LINES);
  const back = await comeBack(inputs, bootId, release);
  const sign = reason instanceof OtherRelease ? deadlySign(since) : undefined;
  // The message of Stuck includes the console's lines; here they come last.
  const found = sign ?? (reason instanceof Stuck ? reason.outcome.found : reason.message);
  const log = tail === "" ? "" : `\nlast lines of ${serialLog}:\n${tail}`;
  if (back.release === release) {
    throw new Error(
      `${name}: kernel ${release} failed its trial boot: found it still running; need ${running}; fix: check the guest's boot loader\n${found}${log}`,
    );
  }
  const removal = await step(inputs, `kernel ${release}`, ["back", release]).then(
    () => "was removed",
    (error: Error) => `could not be removed (${error.message})`,
  );
  throw new Error(
    `${name}: kernel ${release} failed its trial boot: found ${found}; need a boot that passes the boot and graphics checks; ` +
      `the guest runs ${back.release} again, ${release} ${removal}; fix: use another kernel.${inputs.config.source}, or lower gates.kernel${log}`,
  );
}

/** Boots the old kernel: by a reboot from inside if the guest answers, else by a reset. */
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

/** Boots a release once. It does not become the default: the next boot uses the old kernel. */
async function bootOnce(
  inputs: GuestKernelInputs,
  facts: KernelFacts,
  release: string,
): Promise<Boot> {
  const trial = ["trial", release, ...neededSymbols(inputs.share, inputs.video)];
  await step(inputs, `kernel ${release}`, trial).catch(async (error: Error) => {
    await step(inputs, `kernel ${release}`, ["back", release]);
    throw new Error(`${error.message}\nkernel ${release} was not booted, and was removed`);
  });
  console.log(
    `${inputs.name}: booting kernel ${release} once; ${facts.running} remains the default`,
  );
  const consoleBefore = await readConsole(inputs, LINES);
  try {
    const boot = await reboot(inputs, facts.bootId, `boot of ${release}`);
    if (boot.release !== release) {
      throw new OtherRelease(`${boot.release} running after the boot of ${release}`);
    }
    await passes("kernel", inputs);
    return boot;
  } catch (error) {
    return fallBack(inputs, facts, release, consoleBefore, error as Error);
  }
}

async function lookNow({ guest }: GuestKernelInputs): Promise<KernelFacts> {
  return factsOf(await runInGuest(guest, "kernel.py", [], { timeoutMs: 120_000 }));
}

/** Removes a kernel that does not meet the gate, and throws: a trial boot would be useless. */
async function mustMeet(inputs: GuestKernelInputs, release: string): Promise<void> {
  const wanted = openGate("kernel", inputs, release);
  if (wanted === undefined) return;
  await step(inputs, `kernel ${release}`, ["back", release]);
  throw new Error(
    `${inputs.name}: kernel: found ${release} in the package (it was not booted); need ${wanted}; fix: use another kernel.${inputs.config.source}, or lower gates.kernel`,
  );
}

const planFor = (i: GuestKernelInputs, facts: KernelFacts): KernelPlan =>
  kernelPlan(i.config, i.gates.kernel, facts, paceOf(i.place, i.acceleration));

const hasNoBasis = ({ config }: GuestKernelInputs, { basis }: KernelFacts): boolean =>
  config.build?.base === "running" && basis === null;

type Before = Pick<GuestKernelProps, "decided" | "boots">;

/** Executes the plan. A failed step leaves the guest on its previous kernel. */
async function follow(inputs: GuestKernelInputs, before?: Before): Promise<GuestKernelProps> {
  forgetLooks();
  // This `up` may have just started the guest, or the previous one may have rebooted it.
  await waitForSsh(inputs);
  let facts = await lookNow(inputs);
  let plan = planFor(inputs, facts);
  // For an update `diff` has printed the plan.
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
      release = await installSoftware(
        "kernel",
        inputs,
        next.origin,
        neededSymbols(inputs.share, inputs.video),
      );
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
    // An earlier run may have been killed before it stored its package.
    const config = settledConfig(inputs.config, facts);
    const origin = plan.target === "ours" ? originOf(config, KERNEL_PACKAGE) : undefined;
    await keepBuild(inputs, origin);
    facts = await lookNow(inputs);
  }
  const left = planFor(inputs, facts);
  if (left.words !== "")
    throw new Error(
      `${inputs.name}: kernel: found steps left (${left.words}); need none; fix: run 'up' again`,
    );
  return {
    ...pickSoftware(inputs),
    ...{ status: "as decided", boots, facts: settledFacts(facts) },
    decided: decision(left, plan.steps.length > 0, facts, before?.decided ?? null),
  };
}

/** The decision for the guest's contract; it also covers the way back to the distribution's kernel. */
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

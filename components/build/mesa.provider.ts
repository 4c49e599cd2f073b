/** Handler of GuestMesa: brings the guest to the Mesa that its gate and source ask for. */
import { paceOf } from "./build";
import { MESA_SOURCE, MesaDecision, MesaFacts, MesaPlan, mesaPlan, readMesaFacts } from "./mesa";
import { originOf, pickSoftware, SoftwareInputs, SoftwareProps } from "./software";
import { upstreamVersion } from "../../core/requirement";
import { RunResult } from "../../core/exec.io";
import { waitForSsh } from "../guest/boot.io";
import { forgetLooks } from "../guest/look.io";
import { installSoftware, keepBuild, openGate } from "./install.io";
import { softwareStep, passes, answerOf } from "./software.io";
import { softwareProvider } from "./software.provider";
import { runInGuest } from "../../core/link.io";

export type GuestMesaInputs = SoftwareInputs;

export interface GuestMesaProps extends SoftwareProps<MesaFacts> {
  /** What the lab has decided on; null: nothing, or the distribution's. */
  readonly decided: MesaDecision | null;
  /** Changes with every change of Mesa that was made. */
  readonly changes: string;
}

const factsOf = (result: RunResult): MesaFacts => readMesaFacts(answerOf(result));

const step = (inputs: GuestMesaInputs, what: string, verb: string): Promise<string> =>
  softwareStep("mesa", inputs, what, [verb]);

async function lookNow({ guest }: GuestMesaInputs): Promise<MesaFacts> {
  return factsOf(await runInGuest(guest, "mesa.py", [], { timeoutMs: 120_000 }));
}

const planFor = (i: GuestMesaInputs, facts: MesaFacts): MesaPlan =>
  mesaPlan(i.config, i.gates.mesa, facts, paceOf(i.place, i.acceleration));

/** The guest has the distribution's Mesa again; says why. */
async function fallBack(inputs: GuestMesaInputs, mesa: string, reason: Error): Promise<never> {
  const { name } = inputs;
  const back = await step(inputs, "the way back", "restore").then(
    () => "the guest has the distribution's again",
    (error: Error) => `the distribution's could not be put back (${error.message})`,
  );
  throw new Error(
    `${name}: Mesa ${mesa} did not pass: ${reason.message}; ${back}; ` +
      `use another mesa.${inputs.config.source}, or lower gates.mesa; logs /var/log/mirlab-mesa.log and /var/lib/mir-session/tests/*.log in the guest`,
  );
}

/** One that would not meet its own gate is not worth a try. */
function mustMeet(inputs: GuestMesaInputs, mesa: string): void {
  const wanted = openGate("mesa", inputs, mesa);
  if (wanted === undefined) return;
  throw new Error(`found ${mesa} in the package, required ${wanted}; it was not tried`);
}

/** What draws has to be what was installed: a loader that does not like a driver takes another. */
async function draws(inputs: GuestMesaInputs, mesa: string): Promise<void> {
  const { facts } = await passes("mesa", inputs);
  const found = facts.mesa ?? "no Mesa";
  if (upstreamVersion(found) === upstreamVersion(mesa)) return;
  throw new Error(`found Mesa ${found} drawing, required ${mesa}, which was installed`);
}

type Before = Pick<GuestMesaProps, "decided" | "changes">;

/** Takes the plan's steps. What cannot be kept leaves the guest with the distribution's Mesa. */
async function follow(inputs: GuestMesaInputs, before?: Before): Promise<GuestMesaProps> {
  forgetLooks();
  // The guest may have been started by this very `up`.
  await waitForSsh(inputs);
  let facts = await lookNow(inputs);
  const plan = planFor(inputs, facts);
  // Of an update `diff` has told it.
  if (before === undefined && plan.words !== "") console.log(`${inputs.name}: ${plan.words}`);
  let mesa = facts.ours?.mesa ?? "";
  const orBack = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error) => fallBack(inputs, mesa, error));
  for (const next of plan.steps) {
    if (next.do === "install") {
      mesa = await installSoftware("mesa", inputs, next.origin);
      await orBack(Promise.resolve().then(() => mustMeet(inputs, mesa)));
      console.log(`${inputs.name}: Mesa ${mesa} is installed; Mir draws with it`);
    }
    if (next.do === "try") {
      await step(inputs, `Mesa ${mesa}`, "try");
      await orBack(draws(inputs, mesa));
    }
    if (next.do === "keep") await step(inputs, `Mesa ${mesa}`, "keep");
    if (next.do === "restore") await step(inputs, "the distribution's Mesa", "restore");
  }
  const acted = plan.steps.length > 0;
  if (acted) {
    // Of a run that was killed before it had.
    const origin = plan.target === "ours" ? originOf(inputs.config, MESA_SOURCE) : undefined;
    await keepBuild(inputs, origin);
    facts = await lookNow(inputs);
  }
  const left = planFor(inputs, facts);
  if (left.words !== "") throw new Error(`${inputs.name}: mesa: still to do: ${left.words}`);
  return {
    ...pickSoftware(inputs),
    ...{ status: "as decided", facts },
    decided: left.target === "ours" ? { mesa: facts.ours?.mesa ?? mesa } : null,
    changes: acted ? `${Date.now()}` : (before?.changes ?? ""),
  };
}

export const provider = softwareProvider<MesaFacts, GuestMesaProps>("mesa", {
  factsOf,
  planFor,
  follow,
});

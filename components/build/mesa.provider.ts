/** Handler of GuestMesa: installs and tries the Mesa that the gate and the source require. */
import { paceOf } from "./build";
import { MESA_SOURCE, MesaDecision, MesaFacts, MesaPlan, mesaPlan, readMesaFacts } from "./mesa";
import { Origin, originOf, pickSoftware, SoftwareInputs, SoftwareProps } from "./software";
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
  /** The Mesa that the lab decided on; null: none, or the distribution's. */
  readonly decided: MesaDecision | null;
  /** Changes whenever this resource changes Mesa. */
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

/** Restores the distribution's Mesa; throws with the reason. */
async function fallBack(inputs: GuestMesaInputs, mesa: string, reason: Error): Promise<never> {
  const { name } = inputs;
  const restored = await step(inputs, "restore", "restore").then(
    () => "the guest has the distribution's Mesa again",
    (error: Error) => `the distribution's Mesa could not be restored (${error.message})`,
  );
  throw new Error(
    `${name}: Mesa ${mesa} failed its trial: ${reason.message}; ${restored}; ` +
      `fix: use another mesa.${inputs.config.source}, or lower gates.mesa; log: /var/log/mirlab-mesa.log and /var/lib/mir-session/tests/*.log in the guest`,
  );
}

/** Throws when the Mesa does not meet the gate: a trial would be useless. */
function mustMeet(inputs: GuestMesaInputs, mesa: string): void {
  const wanted = openGate("mesa", inputs, mesa);
  if (wanted === undefined) return;
  throw new Error(`found ${mesa} in the package (it was not tried); need ${wanted}`);
}

/** Throws when a build is for another suite than the guest's: it would not load. sid has testing's code name. */
function mustFit({ name }: GuestMesaInputs, origin: Origin, { suite }: MesaFacts): void {
  if (origin.kind !== "build" || suite === undefined) return;
  const { libraries = suite } = origin.order;
  if (libraries === suite || libraries === "sid") return;
  throw new Error(
    `${name}: mesa.build: found a ${suite} guest; need ${libraries}, with whose libraries this Mesa is linked (nothing was built); ` +
      `fix: set image.suite or, for a cloud image, mesa.build.suite to ${suite}; 'lab reset ${name}' makes the guest anew of the declared suite instead`,
  );
}

/** Checks that the installed Mesa draws: a loader that rejects a driver silently uses another. */
async function draws(inputs: GuestMesaInputs, mesa: string): Promise<void> {
  const { facts } = await passes("mesa", inputs);
  const found = facts.mesa ?? "no Mesa";
  if (upstreamVersion(found) === upstreamVersion(mesa)) return;
  throw new Error(`found Mesa ${found} drawing; need the installed ${mesa}`);
}

type Before = Pick<GuestMesaProps, "decided" | "changes">;

/** Executes the plan. A failed trial leaves the guest with the distribution's Mesa. */
async function follow(inputs: GuestMesaInputs, before?: Before): Promise<GuestMesaProps> {
  forgetLooks();
  // This `up` may have just started the guest.
  await waitForSsh(inputs);
  let facts = await lookNow(inputs);
  const plan = planFor(inputs, facts);
  // For an update `diff` has printed the plan.
  if (before === undefined && plan.words !== "") console.log(`${inputs.name}: ${plan.words}`);
  let mesa = facts.ours?.mesa ?? "";
  const orBack = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: Error) => fallBack(inputs, mesa, error));
  for (const next of plan.steps) {
    if (next.do === "install") {
      mustFit(inputs, next.origin, facts);
      mesa = await installSoftware("mesa", inputs, next.origin);
      await orBack(Promise.resolve().then(() => mustMeet(inputs, mesa)));
      console.log(`${inputs.name}: Mesa ${mesa} is installed; trying Mir with it`);
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
    // An earlier run may have been killed before it stored its package.
    const origin = plan.target === "ours" ? originOf(inputs.config, MESA_SOURCE) : undefined;
    await keepBuild(inputs, origin);
    facts = await lookNow(inputs);
  }
  const left = planFor(inputs, facts);
  if (left.words !== "")
    throw new Error(
      `${inputs.name}: mesa: found steps left (${left.words}); need none; fix: run 'up' again`,
    );
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

/** Handler of GuestContract: observes the guest, reports differences, and repairs them. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { differenceText, Recorded, reportedOnly } from "../../core/contract";
import { GuestContract, GuestDifference, GuestStep, readWritten, Written } from "./contract";
import { guestDifferences, needsVerifying, recordOf, signaturesOf } from "./differences";
import { GuestObservation, readGuestObservation } from "./observation";
import { GuestSeen } from "./seen";
import { run, RunResult } from "../../core/exec.io";
import { lastLine } from "../../core/plainText";
import { forgetLooks, GuestAnswer, lookAtGuest } from "./look.io";
import { connectionFault, runInGuest, scriptText } from "../../core/link.io";
import { SshTarget } from "../../core/target";

export interface GuestContractInputs extends GuestContract {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly guest: SshTarget;
  /** Changes with every start by the lab, so that each start causes an update. */
  readonly boot: string;
  /** What `up` does with differences. */
  readonly onDrift: "heal" | "report";
  /** Volume of the root disk that a reset has made; unset: the guest has its first one. */
  readonly disk?: string;
  /** Declared empty. A refresh puts the differences here, so that a preview shows them. */
  readonly drift: readonly string[];
}

export interface GuestContractProps extends GuestContractInputs {
  /** `unreachable`: nothing is known about the guest. */
  readonly status: "as declared" | "drifted" | "unreachable";
  /** Values that the last `up` recorded and no configuration declares. */
  readonly recorded: Recorded;
}

/** A step may wait for apt's lock, download packages, or restart a session under TCG. */
const HEAL_MS = 900_000;
/** Reads about 200 MB in the guest. */
const VERIFY_MS = 600_000;

/** Only the declared inputs: the engine adds `__provider`, and props add outputs. */
function pick(i: GuestContractInputs): GuestContractInputs {
  const { name, guest, boot, onDrift, session, share, own, kernel, disk } = i;
  return {
    ...{ name, guest, boot, onDrift, session },
    ...(disk === undefined ? {} : { disk }),
    ...(share === undefined ? {} : { share }),
    ...(own === undefined ? {} : { own }),
    ...(kernel === undefined || kernel === null ? {} : { kernel }),
    drift: [],
  };
}

class Unreachable extends Error {}

/** Throws Unreachable when the guest does not answer; a malformed answer is another failure. */
function answerOf(result: RunResult): string {
  if (result.code === 0) return result.stdout.toString();
  if (connectionFault(result) === "refused-key")
    throw new Unreachable("its SSH host key is not the pinned one");
  const reason = lastLine(result.stderr);
  throw new Unreachable(reason || (result.timedOut ? "no answer in time" : "no answer"));
}

/** Runs a script in the guest as root; standard input is its data. */
function runStep(guest: SshTarget, step: GuestStep): Promise<RunResult> {
  const options = { stdin: step.input ?? "", timeoutMs: HEAL_MS };
  return runInGuest(guest, step.script, step.args, options);
}

/** The files that this checkout's scripts write into the guest, by the scripts' own `describe`. */
async function written({ session, share }: GuestContract): Promise<Written> {
  const describe = async (script: string, args: readonly string[]) => {
    const argv = ["bash", "-s", "--", "describe", ...args];
    const described = await run(argv, { stdin: scriptText(`guest/${script}`) });
    if (described.code !== 0) throw new Error(described.stderr.trim());
    return readWritten(described.stdout.toString());
  };
  const [forSession, forShare] = await Promise.all([
    describe("session.sh", session),
    share === undefined ? [] : describe("share.sh", [share.tag, share.mount]),
  ]);
  return { session: forSession, share: forShare };
}

/** One look that also reads the packages' files. */
async function verify(guest: SshTarget): Promise<GuestAnswer> {
  const from = Date.now() / 1000;
  const result = await runInGuest(guest, "observe.py", ["verify"], { timeoutMs: VERIFY_MS });
  return { result, asked: { from, to: Date.now() / 1000 } };
}

interface Look {
  readonly observation: GuestObservation;
  readonly seen: GuestSeen;
  readonly found: readonly GuestDifference[];
}

/** Looks, and reads the packages' files when a signature indicates that they may have changed. */
async function look(
  inputs: GuestContractInputs,
  recorded: Recorded,
  ask: () => Promise<GuestAnswer>,
): Promise<Look> {
  const [files, first] = await Promise.all([written(inputs), ask()]);
  let { asked } = first;
  let observation = readGuestObservation(answerOf(first.result));
  if (needsVerifying(inputs, recorded, observation)) {
    const again = await verify(inputs.guest);
    asked = again.asked;
    observation = readGuestObservation(answerOf(again.result));
  }
  const seen = new GuestSeen(observation, asked);
  return { observation, seen, found: guestDifferences(inputs, files, recorded, seen) };
}

/** The step with the current time, which only now is known. */
const timed = (step: GuestStep): GuestStep =>
  step.args[0] === "clock" ? { ...step, args: ["clock", (Date.now() / 1000).toFixed(3)] } : step;

/** Runs each step once, in order. A failure names the difference that the step should repair. */
async function heal(
  inputs: GuestContractInputs,
  found: readonly GuestDifference[],
): Promise<boolean> {
  const done = new Set<string>();
  for (const difference of found) {
    const id = JSON.stringify(difference.heal.step);
    if (difference.heal.how !== "run" || done.has(id)) continue;
    done.add(id);
    for (let step = difference.heal.step; step !== undefined; step = step.then) {
      const result = await runStep(inputs.guest, timed(step));
      if (result.code === 0) continue;
      const reason = result.stderr.trim() || (result.timedOut ? "timed out" : "no message");
      throw new Error(
        `${inputs.name}: ${differenceText(difference)}; the repair failed: ${reason}`,
      );
    }
  }
  return done.size > 0;
}

/** Prints a line for each difference that the refresh of the same run has not printed. */
function printDifferences(
  { name }: GuestContractInputs,
  found: readonly GuestDifference[],
  before: readonly string[] = [],
): void {
  const lines = found.map(differenceText).filter((line) => !before.includes(line));
  for (const line of lines) console.log(`${name}: ${line}`);
}

async function converge(
  inputs: GuestContractInputs,
  { recorded, drift }: Pick<GuestContractProps, "recorded" | "drift">,
): Promise<GuestContractProps> {
  const declared = pick(inputs);
  forgetLooks();
  const ask = (): Promise<GuestAnswer> => verify(inputs.guest);
  const first = await look(declared, recorded, ask).catch((error: Error) => {
    throw new Error(`${inputs.name}: cannot observe the guest: ${error.message}`);
  });
  printDifferences(declared, first.found, drift);
  const healed = await heal(declared, first.found);
  const now = healed ? await look(declared, recorded, ask) : first;
  const left = now.found.filter(({ heal: { how } }) => how !== "accept");
  if (left.length > 0) {
    const lines = left.map((difference) => `  ${differenceText(difference)}`);
    throw new Error(
      [
        `${inputs.name}: found ${left.length} difference(s) after the repair; need none`,
        ...lines,
      ].join("\n"),
    );
  }
  return {
    ...declared,
    status: "as declared",
    recorded: recordOf(declared, now.observation, now.seen, recorded),
  };
}

export const provider: pulumi.dynamic.ResourceProvider<GuestContractInputs, GuestContractProps> = {
  async create(inputs) {
    return {
      id: `${inputs.guest.alias}-contract`,
      outs: await converge(inputs, { recorded: {}, drift: [] }),
    };
  },
  /**
   * Looks without changing anything. Differences become the input `drift`, which the program
   * declares empty, so a preview shows them as a change. A guest that does not answer has no drift:
   * refresh runs before `up` can start it.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const declared = pick(props);
    const { recorded } = props;
    const answer = (now: Omit<GuestContractProps, keyof GuestContractInputs>, drift: string[]) => ({
      id,
      props: { ...props, ...now, drift },
      // The SDK types `inputs` as outputs; the engine uses them as the resource's inputs.
      inputs: { ...declared, drift } as unknown as GuestContractProps,
    });
    try {
      const ask = (): Promise<GuestAnswer> => lookAtGuest(props.guest, "observe.py");
      const { observation, found } = await look(declared, recorded, ask);
      printDifferences(declared, found);
      const known = { ...recorded, ...signaturesOf(observation, recorded) };
      const status = found.length === 0 ? "as declared" : "drifted";
      return answer({ status, recorded: known }, found.map(differenceText));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      console.log(`${props.name}: unreachable (${error.message}): the guest was not checked`);
      return answer({ status: "unreachable", recorded }, []);
    }
  },
  async diff(_id, olds, news) {
    return { changes: olds.drift.length > 0 || !isDeepStrictEqual(pick(olds), pick(news)) };
  },
  async update(_id, olds, news) {
    // Nothing that was recorded on another disk holds on a new one.
    if (olds.disk !== news.disk) return { outs: await converge(news, { recorded: {}, drift: [] }) };
    // Another boot of the guest is no edit of its declaration.
    const edited = !isDeepStrictEqual(pick({ ...olds, boot: "" }), pick({ ...news, boot: "" }));
    if (news.onDrift === "report" && !edited) {
      for (const line of olds.drift)
        console.log(`${olds.name}: ${line} (only reported: onDrift is 'report')`);
      return { outs: { ...olds, ...pick(news), drift: [...olds.drift] } };
    }
    if (news.onDrift === "report" && olds.drift.length > 0) {
      throw reportedOnly(olds.name, olds.drift);
    }
    return { outs: await converge(news, olds) };
  },
};

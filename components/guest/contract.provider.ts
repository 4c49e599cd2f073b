/** Handler of GuestContract: looks at the guest in one go, tells what differs, and puts it right. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { differenceText, Recorded } from "../../core/contract";
import { GuestContract, GuestDifference, GuestStep, readWritten, Written } from "./contract";
import { guestDifferences, needsVerifying, recordOf, signaturesOf } from "./differences";
import { GuestObservation, readGuestObservation } from "./observation";
import { GuestSeen } from "./seen";
import { run, RunResult } from "../../core/exec.io";
import { forgetLooks, GuestAnswer, lookAtGuest } from "./look.io";
import { connectionFault, runInGuest, scriptText } from "../../core/link.io";
import { SshTarget } from "../../core/target";

export interface GuestContractInputs extends GuestContract {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly guest: SshTarget;
  /** Changes with every start made by the lab: then the guest is looked at anew. */
  readonly boot: string;
  /** What `up` does with differences. */
  readonly onDrift: "heal" | "report";
  /** Always declared empty. What a look finds takes its place, so that a preview shows it go. */
  readonly drift: readonly string[];
}

export interface GuestContractProps extends GuestContractInputs {
  /** `unreachable`: nothing is known, and nothing is claimed. */
  readonly status: "as declared" | "drifted" | "unreachable";
  /** Values that only the last `up` knows. */
  readonly recorded: Recorded;
}

/** apt-get waits for its lock, and downloads; a session restarts under TCG. */
const HEAL_MS = 900_000;
/** Reads some 200 MB in the guest. */
const VERIFY_MS = 600_000;

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
function pick(i: GuestContractInputs): GuestContractInputs {
  const { name, guest, boot, onDrift, session, share, own, kernel } = i;
  return {
    ...{ name, guest, boot, onDrift, session },
    ...(share === undefined ? {} : { share }),
    ...(own === undefined ? {} : { own }),
    ...(kernel === undefined || kernel === null ? {} : { kernel }),
    drift: [],
  };
}

class Unreachable extends Error {}

/** Throws when the guest gives no answer; an answer that cannot be read is a failure of its own. */
function answerOf(result: RunResult): string {
  if (result.code === 0) return result.stdout.toString();
  if (connectionFault(result) === "refused-key")
    throw new Unreachable("its SSH host key is not the pinned one");
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Unreachable(reason || (result.timedOut ? "no answer in time" : "no answer"));
}

/** A script of ours in the guest, as root; standard input is its data. */
function runStep(guest: SshTarget, step: GuestStep): Promise<RunResult> {
  const options = { stdin: step.input ?? "", timeoutMs: HEAL_MS };
  return runInGuest(guest, step.script, step.args, options);
}

/** What our scripts of today write there: they say so themselves, on this machine. */
async function written({ session, share }: GuestContract): Promise<Written> {
  const describe = async (script: string, args: readonly string[]) => {
    const argv = ["bash", "-s", "--", "describe", ...args];
    const said = await run(argv, { stdin: scriptText(`guest/${script}`) });
    if (said.code !== 0) throw new Error(said.stderr.trim());
    return readWritten(said.stdout.toString());
  };
  const [forSession, forShare] = await Promise.all([
    describe("session.sh", session),
    share === undefined ? [] : describe("share.sh", [share.tag, share.mount]),
  ]);
  return { session: forSession, share: forShare };
}

/** One look, with the packages' files read too. */
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

/** Looks, and reads files where a signature says that they may be others. */
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

/** The step with what is known only now. */
const timed = (step: GuestStep): GuestStep =>
  step.args[0] === "clock" ? { ...step, args: ["clock", (Date.now() / 1000).toFixed(3)] } : step;

/** Takes each step once, in order. A failure names what it was for. */
async function heal(
  inputs: GuestContractInputs,
  found: readonly GuestDifference[],
): Promise<boolean> {
  const done = new Set<string>();
  for (const difference of found) {
    const words = JSON.stringify(difference.heal.step);
    if (difference.heal.how !== "run" || done.has(words)) continue;
    done.add(words);
    for (let step = difference.heal.step; step !== undefined; step = step.then) {
      const result = await runStep(inputs.guest, timed(step));
      if (result.code === 0) continue;
      const reason = result.stderr.trim() || (result.timedOut ? "no end in time" : "no message");
      throw new Error(`${inputs.name}: ${differenceText(difference)}; that failed: ${reason}`);
    }
  }
  return done.size > 0;
}

/** A line for each difference that the refresh of the same run has not told yet. */
function tell(
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
    throw new Error(`${inputs.name}: the guest cannot be looked at: ${error.message}`);
  });
  tell(declared, first.found, drift);
  const healed = await heal(declared, first.found);
  const now = healed ? await look(declared, recorded, ask) : first;
  const left = now.found.filter(({ heal: { how } }) => how !== "accept");
  if (left.length > 0) {
    const lines = left.map((difference) => `  ${differenceText(difference)}`);
    throw new Error(
      [`${inputs.name}: the guest is not as declared: ${left.length} left`, ...lines].join("\n"),
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
   * declares empty: that is what a preview shows, and the lines below it name them. A guest that
   * does not answer has no drift: refresh comes before `up` can start it.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const declared = pick(props);
    const { recorded } = props;
    const answer = (now: Omit<GuestContractProps, keyof GuestContractInputs>, drift: string[]) => ({
      id,
      props: { ...props, ...now, drift },
      // The SDK types them as outputs; the engine takes them for the resource's inputs.
      inputs: { ...declared, drift } as unknown as GuestContractProps,
    });
    try {
      const ask = (): Promise<GuestAnswer> => lookAtGuest(props.guest, "observe.py");
      const { observation, found } = await look(declared, recorded, ask);
      tell(declared, found);
      const known = { ...recorded, ...signaturesOf(observation, recorded) };
      const status = found.length === 0 ? "as declared" : "drifted";
      return answer({ status, recorded: known }, found.map(differenceText));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      console.log(`${props.name}: unreachable (${error.message}): nothing is known of its inside`);
      return answer({ status: "unreachable", recorded }, []);
    }
  },
  async diff(_id, olds, news) {
    return { changes: olds.drift.length > 0 || !isDeepStrictEqual(pick(olds), pick(news)) };
  },
  async update(_id, olds, news) {
    const edited = !isDeepStrictEqual(pick(olds), pick(news));
    if (news.onDrift === "report" && !edited) {
      for (const line of olds.drift) console.log(`${olds.name}: ${line} (only told: onDrift)`);
      return { outs: { ...olds, ...pick(news), drift: [...olds.drift] } };
    }
    return { outs: await converge(news, olds) };
  },
};

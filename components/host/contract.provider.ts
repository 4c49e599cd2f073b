/** Handler of HostContract: looks at the host in one go, tells what differs, and puts it right. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { differenceText, Recorded } from "../../core/contract";
import { HostContract, HostDifference } from "./contract";
import { differences, observeArgs, record } from "./differences";
import { HostObservation, readObservation } from "./observation";
import { connectionFault, runOnHost } from "../../core/link.io";
import { SshTarget } from "../../core/target";

export interface HostContractInputs extends HostContract {
  readonly host?: SshTarget;
  /** What `up` does with differences. */
  readonly onDrift: "heal" | "report";
  /** Always declared empty. What a look finds takes its place, so that a preview shows it go. */
  readonly drift: readonly string[];
}

export interface HostContractProps extends HostContractInputs {
  /** Values that only the last `up` knows; an output, and so no part of the inputs of a look. */
  readonly recorded?: Recorded;
}

/** Hashing an image that was changed takes its time; everything else is done in a second. */
const LOOK_MS = 300_000;
/** apt-get waits for its lock, and downloads. */
const HEAL_MS = 900_000;

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
function pick(i: HostContractInputs): HostContractInputs {
  const { stack, owner, dataDir, cacheDir, packages, parts, install, pool, guests } = i;
  return {
    ...{ stack, owner, dataDir, cacheDir, packages, parts, install, pool, guests },
    onDrift: i.onDrift,
    ...(i.network === undefined ? {} : { network: i.network }),
    ...(i.host === undefined ? {} : { host: i.host }),
    drift: [],
  };
}

/** Throws when the host gives no answer, or half of one: that is not the same as nothing there. */
async function look(inputs: HostContractInputs, recorded: Recorded): Promise<HostObservation> {
  const args = observeArgs(inputs, recorded);
  const result = await runOnHost(inputs.host, "observe.sh", args, { timeoutMs: LOOK_MS });
  if (result.code === 0) return readObservation(result.stdout.toString());
  const fault = inputs.host === undefined ? undefined : connectionFault(result);
  const reason = result.stderr.trim() || (result.timedOut ? "no answer in time" : "no message");
  throw new Error(
    fault === undefined
      ? `the host cannot be looked at: ${reason}; run 'npm run doctor'`
      : `the lab host does not answer (${reason}), required an answer: nothing is known of it; check that it is up and host.ssh is right`,
  );
}

/** A line for each difference; they are shown below the preview. */
function tell(found: readonly HostDifference[]): void {
  for (const difference of found) console.log(`host: ${differenceText(difference)}`);
}

/** Runs each script once, in order. A failure names what it was for. */
async function heal(inputs: HostContractInputs, found: readonly HostDifference[]): Promise<void> {
  const done = new Set<string>();
  for (const difference of found) {
    const { how, step } = difference.heal;
    const words = JSON.stringify(step);
    if (how !== "run" || step === undefined || done.has(words)) continue;
    done.add(words);
    const result = await runOnHost(inputs.host, step.script, step.args, { timeoutMs: HEAL_MS });
    if (result.code !== 0) {
      const reason = result.stderr.trim() || (result.timedOut ? "no end in time" : "no message");
      throw new Error(`${differenceText(difference)}; that failed: ${reason}`);
    }
  }
}

async function converge(
  inputs: HostContractInputs,
  recorded: Recorded = {},
): Promise<HostContractProps> {
  const declared = pick(inputs);
  const seen = await look(declared, recorded);
  const found = differences(declared, recorded, seen);
  if (declared.onDrift === "report") {
    return { ...declared, recorded: { ...record(declared, seen), ...recorded } };
  }
  tell(found);
  await heal(declared, found);
  const now = found.length === 0 ? seen : await look(declared, recorded);
  const left = differences(declared, recorded, now).filter(
    ({ heal: { how } }) => how === "run" || how === "refuse",
  );
  if (left.length > 0) {
    const lines = left.map((difference) => `  ${differenceText(difference)}`);
    throw new Error(
      [`the host is not as the lab needs it: ${left.length} left`, ...lines].join("\n"),
    );
  }
  return { ...declared, recorded: record(declared, now) };
}

export const provider: pulumi.dynamic.ResourceProvider<HostContractInputs, HostContractProps> = {
  async create(inputs) {
    return { id: `${inputs.stack}-host`, outs: await converge(inputs) };
  },
  /**
   * Looks without changing anything. Differences become the input `drift`, which the program
   * declares empty: that is what a preview shows, and the lines below it name them.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const { recorded = {} } = props;
    const declared = pick(props);
    const found = differences(declared, recorded, await look(declared, recorded));
    tell(found);
    const drift = found.map(differenceText);
    return { id, props: { ...props, drift }, inputs: { ...declared, drift } };
  },
  async diff(_id, olds, news) {
    return { changes: olds.drift.length > 0 || !isDeepStrictEqual(pick(olds), pick(news)) };
  },
  async update(_id, olds, news) {
    return { outs: await converge(news, olds.recorded) };
  },
};

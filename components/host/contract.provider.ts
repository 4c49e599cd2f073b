/** Provider of HostContract: observes the host in one run, reports what differs, and repairs it. */
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
  /** Declared empty. A refresh fills it with the differences, so that a preview shows a change. */
  readonly drift: readonly string[];
}

export interface HostContractProps extends HostContractInputs {
  /** Values that the last `up` recorded: an output, since the program cannot declare them. */
  readonly recorded?: Recorded;
}

/** Hashing a changed image is slow; everything else takes a second. */
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

/** Throws when the answer is missing or incomplete: unknown is not absent. */
async function look(inputs: HostContractInputs, recorded: Recorded): Promise<HostObservation> {
  const args = observeArgs(inputs, recorded);
  const result = await runOnHost(inputs.host, "observe.sh", args, { timeoutMs: LOOK_MS });
  if (result.code === 0) return readObservation(result.stdout.toString());
  const fault = inputs.host === undefined ? undefined : connectionFault(result);
  const reason = result.stderr.trim() || (result.timedOut ? "no answer in time" : "no message");
  throw new Error(
    fault === undefined
      ? `cannot observe the host: ${reason}; fix: npm run doctor`
      : `lab host: found no answer (${reason}); need one, as nothing is known without it; fix: check that the host is up and host.ssh is right`,
  );
}

/** Prints one line per difference, and one for what was not looked at; Pulumi shows them below the preview. */
function printLook(found: readonly HostDifference[], seen: HostObservation): void {
  for (const difference of found) console.log(`host: ${differenceText(difference)}`);
  const items = [...new Set(seen.unread().map(([item]) => item))];
  if (items.length > 0)
    console.log(`host: not looked at, as this needs root's rights: ${items.join(", ")}`);
}

/** Runs each script once, in order. A failure names the difference that it should have repaired. */
async function heal(inputs: HostContractInputs, found: readonly HostDifference[]): Promise<void> {
  const done = new Set<string>();
  for (const difference of found) {
    const { how, step } = difference.heal;
    const words = JSON.stringify(step);
    if (how !== "run" || step === undefined || done.has(words)) continue;
    done.add(words);
    const result = await runOnHost(inputs.host, step.script, step.args, { timeoutMs: HEAL_MS });
    if (result.code !== 0) {
      const reason = result.stderr.trim() || (result.timedOut ? "timed out" : "no message");
      throw new Error(`${differenceText(difference)}; the repair failed: ${reason}`);
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
  printLook(found, seen);
  await heal(declared, found);
  const now = found.length === 0 ? seen : await look(declared, recorded);
  const left = differences(declared, recorded, now).filter(
    ({ heal: { how } }) => how === "run" || how === "refuse",
  );
  if (left.length > 0) {
    const lines = left.map((difference) => `  ${differenceText(difference)}`);
    throw new Error(
      [`host: found ${left.length} difference(s) after the repair; need none`, ...lines].join("\n"),
    );
  }
  return { ...declared, recorded: record(declared, now, recorded) };
}

export const provider: pulumi.dynamic.ResourceProvider<HostContractInputs, HostContractProps> = {
  async create(inputs) {
    return { id: `${inputs.stack}-host`, outs: await converge(inputs) };
  },
  /**
   * Looks without changing anything. Differences become the input `drift`, which the program
   * declares empty, so a preview shows them as a change; the printed lines name them.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const { recorded = {} } = props;
    const declared = pick(props);
    const seen = await look(declared, recorded);
    const found = differences(declared, recorded, seen);
    printLook(found, seen);
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

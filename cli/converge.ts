/** One `up` of a stack, from the checks of the host to the summary; what `lab up` and `lab reset` share. */
import { RecordedLab } from "../components/lab/recorded";
import { missingPackages } from "../components/host/checks/machine";
import { packageArgs } from "../components/host/packages";
import { hostAccess } from "../components/host/access.io";
import { HostConfig } from "../config/schema";
import { runOnHost } from "../core/link.io";
import { diskLines } from "./disks";
import { briefText, exitCode } from "./doctorReport";
import { EXIT } from "./exitCodes";
import { hostOfFile, installPackages, startLibvirtd } from "./host";
import { labInState, putDiskBack } from "./labState";
import { unlockDead } from "./locks";
import { yesArgs } from "./options";
import { policyArgs } from "./policyArgs";
import type { Examined } from "./examine";
import { Ended, Refusal } from "./refusal";
import { cancel, checkStack, engine, engineCode, fileOf, outputsOf, selectStack } from "./stack";
import { holdTicket } from "./sudo";
import { summary } from "./summary";
import { confirmLoss, runOrEnd, say, wasInterrupted } from "./terminal";
import { labNamed } from "../core/labNames";

/** A package may have to be installed on a slow host. */
const HEAL_MS = 1_800_000;

export interface ConvergeOptions {
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
  /** Guests that get a new root disk. */
  readonly reset?: readonly string[] | undefined;
  /** Guests that are no longer declared, and go with their disks. */
  readonly remove?: readonly string[] | undefined;
}

/** What stands in the way stops the verb before anything is touched; what `up` sees to does not. */
async function assertHostCan(file: string, stack: string): Promise<Examined> {
  const { examine } = await import("./examine");
  const examined = await examine(file, stack).catch((error: Error) => {
    throw new Refusal(`doctor: ${error.message}`);
  });
  console.error(briefText(examined.findings));
  if (exitCode(examined.findings) === 0) return examined;
  throw new Refusal({
    what: stack,
    found: "the failures above",
    need: "a host that can carry the lab; nothing was touched",
    fix: "see 'npm run doctor'",
  });
}

/** Says what the named guests' disks hold, and asks. Throws for a guest that has none. */
async function confirmDisks(
  host: HostConfig | undefined,
  lab: RecordedLab,
  { reset = [], remove = [], yes }: ConvergeOptions,
): Promise<void> {
  const guests = [...reset, ...remove];
  if (guests.length === 0) return;
  for (const guest of guests.filter((name) => !lab.disks.has(name))) {
    throw new Refusal({
      what: guest,
      found: "no disk of this guest in the lab",
      need: `one of ${[...lab.disks.keys()].join(", ") || "the guests that 'up' has made: there is none yet"}`,
      fix: "correct the name",
    });
  }
  say("these disks will be deleted, with all that is in the guest and not in its share:");
  for (const line of await diskLines(host, lab, guests)) process.stderr.write(`  ${line}\n`);
  await confirmLoss(`delete ${guests.length === 1 ? "it" : "them"}?`, yes);
}

/**
 * What the engine asks of a lab that is there, before the lab's own resources can put it right: QEMU has the lab's
 * devices, libvirt answers its user, and has the pool.
 */
async function healBefore(
  host: HostConfig | undefined,
  { facts }: Examined,
  { name, poolPath }: RecordedLab,
): Promise<void> {
  if (host === undefined || facts === undefined || name === undefined || poolPath === undefined)
    return;
  const pool = ["pool-define", labNamed(name), poolPath];
  if (host.ssh === undefined) return runOrEnd(["scripts/host/heal.sh", ...pool], true);
  const { target } = hostAccess(host, name);
  const missing = missingPackages(facts, host);
  const steps: [string, string[], boolean][] = [
    ["packages.sh", packageArgs("install", missing, host.qemu), missing.length > 0],
    ["libvirtd.sh", ["start"], facts.libvirt !== "ok"],
    ["heal.sh", pool, true],
  ];
  for (const [script, args] of steps.filter(([, , needed]) => needed)) {
    const healed = await runOnHost(target, script, args, { timeoutMs: HEAL_MS });
    process.stderr.write(healed.stderr);
    if (healed.code !== 0) throw new Ended(EXIT.failed);
  }
}

/** Whether the state has a lab: on a host that is prepared its guests need no root's rights. */
const isThere = (stack: string): Promise<boolean> =>
  labInState(stack).then(
    ({ disks }) => disks.size > 0,
    () => false,
  );

/** Converges the stack, and prints how to reach its guests. */
export async function converge(
  stack: string,
  args: readonly string[],
  options: ConvergeOptions,
): Promise<void> {
  const { yes, json, reset = [], remove = [] } = options;
  checkStack(stack);
  const file = fileOf(stack);
  const host = hostOfFile(file);
  const here = host?.ssh === undefined;
  const confirmed = reset.length + remove.length > 0;
  const prepared = host?.packages === "check";
  if (here && (!prepared || confirmed || !(await isThere(stack)))) await holdTicket();
  const examined = await assertHostCan(file, stack);
  await installPackages(host, yes);
  if (here) await startLibvirtd();
  await selectStack(stack);
  await unlockDead(stack, () => cancel(stack));
  const lab = await labInState(stack);
  await confirmDisks(host, lab, options);
  await healBefore(host, examined, lab);
  const named = { MIRLAB_RESET: reset.join(","), MIRLAB_REMOVE: remove.join(",") };
  // A disk that no guest has booted may be created again; so may what the user has just named.
  const fresh = [...lab.disks.values()].some(({ booted }) => !booted);
  const free = fresh || confirmed ? ["--ignore-protect"] : [];
  const all = [...policyArgs(args), ...yesArgs(args, confirmed || yes), ...free, ...args];
  const toStderr = json === true;
  const code = await engineCode(["up"], stack, { args: all, toStderr, env: named });
  if (code !== EXIT.ok) {
    await restoreDisks(stack, args, reset);
    throw new Ended(code);
  }
  const outputs = await outputsOf(stack);
  if (json === true) console.log(JSON.stringify(outputs, null, 2));
  else process.stdout.write(`\n${summary(outputs)}`);
}

/** After a reset that failed: the guests go back to the disks that they had. */
async function restoreDisks(
  stack: string,
  args: readonly string[],
  guests: readonly string[],
): Promise<void> {
  if (guests.length === 0) return;
  if (wasInterrupted()) {
    say(
      `interrupted; 'lab reset ${guests.join(" ")} --undo' gives the old disk back, 'lab up' goes on`,
    );
    return;
  }
  const back: string[] = [];
  for (const guest of guests) if (await putDiskBack(stack, guest)) back.push(guest);
  if (back.length === 0) return say("no disk was replaced");
  say(`not as declared on a new disk; giving ${back.join(", ")} the old one back`);
  await convergeRestored(stack, args, back);
}

/** Gives guests the disks back that a reset replaced, while they are there. */
export async function undoReset(
  stack: string,
  args: readonly string[],
  guests: readonly string[],
): Promise<void> {
  for (const guest of guests) {
    if (await putDiskBack(stack, guest)) continue;
    throw new Refusal({
      what: guest,
      found: "no replaced disk: it was not replaced, or an 'up' since then has deleted it",
      need: "the disk that the reset replaced",
      fix: "nothing is to be undone; 'lab up' converges the guest as it is",
    });
  }
  await convergeRestored(stack, args, guests);
}

async function convergeRestored(
  stack: string,
  args: readonly string[],
  guests: readonly string[],
): Promise<void> {
  const all = [...policyArgs(args), ...yesArgs(args, true), ...args];
  await engine(["up"], stack, { args: all, toStderr: true });
  say(`${guests.join(", ")}: on its earlier disk`);
}

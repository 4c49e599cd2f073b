/** Handler of MirReadiness: runs the checks on the running guest and takes the picture. */
import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { CHECKS, judge } from "./checks";
import { Seen, Wanted } from "./checks/check";
import {
  countMet,
  isMet,
  Outcome,
  Proofs,
  skipped,
  unmet,
  UP,
  Verdict,
  verdictText,
} from "../../core/verdict";
import { GuestFacts, GuestLook } from "../guest/facts";
import { Acceleration, LIMITS_S, LOOK_S, SETTLED_S, slowness, STALL_S } from "../../core/limits";
import { gateFault, GateRequirements, PAGE_FLOORS } from "../../core/requirement";
import { assertRunning } from "../../core/virsh.io";
import { leaveEvidence, removeEvidence } from "../report/evidence.io";
import { waitForSsh } from "../guest/boot.io";
import { answered, lookAtGuest, probe } from "../guest/look.io";
import { HostTarget, SshTarget } from "../../core/target";
import { reportFile } from "../../core/paths";
import {
  pictureIntact,
  PictureProof,
  proveKeyboard,
  proveOutputs,
  provePicture,
} from "./pictureProof.io";
import { proveShare } from "./shareProof.io";
import { VideoModel } from "../../config/video";
import { Stuck } from "../../core/stuck";
import { Try, waitFor } from "../../core/wait";

export interface MirReadinessInputs {
  readonly guest: SshTarget;
  readonly host?: HostTarget;
  readonly domain: string;
  readonly bootId: string;
  readonly acceleration: Acceleration;
  readonly serialLog: string;
  readonly gates: GateRequirements;
  /** Host folder of the share and its mount point in the guest; unset: the guest has no share. */
  readonly share?: { readonly path: string; readonly mount: string; readonly readonly: boolean };
  /** File of the picture on the machine that runs Pulumi. */
  readonly picture: string;
  /** The guest's card. @default qxl */
  readonly video?: VideoModel;
  /** Modes of the declared outputs, e.g. `1024x768`; unset: one output, in any mode. */
  readonly outputs?: readonly string[];
  /** The pointer has to be in the picture. @default it need not be */
  readonly cursor?: "software";
  /** The session draws for no screen: its picture is taken in the guest. @default a KMS platform */
  readonly platform?: "virtual";
  /** Changes when session or hardware change, so that the checks run again. */
  readonly session: string;
}

export interface MirReadinessProps extends MirReadinessInputs {
  /** With `unreachable` the facts are the last known ones. */
  readonly status: "ready" | "not ready" | "unreachable";
  /** The unmet fatal checks, one line each; empty when ready. */
  readonly reasons: string[];
  /** Verdicts of the last look, in order, with the warnings. */
  readonly verdicts: Verdict[];
  readonly facts: GuestFacts | null;
  /** SHA-256 of the picture file; empty when there is none. */
  readonly pictureSha256: string;
  /** Time of the picture, ISO 8601; empty when there is none. */
  readonly pictureTime: string;
}

/** Pulumi's marker for a value that is not known yet. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function pick(i: MirReadinessInputs): MirReadinessInputs {
  const { guest, domain, bootId, acceleration, serialLog, gates, picture, session } = i;
  return {
    ...{ guest, domain, bootId, acceleration, serialLog, gates, picture, session },
    ...(i.host === undefined ? {} : { host: i.host }),
    ...(i.share === undefined ? {} : { share: i.share }),
    ...(i.video === undefined ? {} : { video: i.video }),
    ...(i.outputs === undefined ? {} : { outputs: i.outputs }),
    ...(i.cursor === undefined ? {} : { cursor: i.cursor }),
    ...(i.platform === undefined ? {} : { platform: i.platform }),
  };
}

const isOpen = (v: Verdict): boolean => v.fatal && !isMet(v);

/** The result of a look, in the form that the state keeps. */
function resultOf(
  inputs: MirReadinessInputs,
  seen: Seen,
  picture: { readonly sha256: string; readonly time: string },
): MirReadinessProps {
  const wanted: Wanted = inputs;
  const verdicts = judge(seen, wanted);
  const open = verdicts.filter(isOpen);
  return {
    ...pick(inputs),
    status: open.length === 0 ? "ready" : "not ready",
    reasons: open.map(verdictText),
    verdicts,
    facts: seen.guest?.facts ?? null,
    pictureSha256: picture.sha256,
    pictureTime: picture.time,
  };
}

/** The outcome without a key; undefined: try one (all other checks are met, the client counts keys). */
function keyboardOutcome(guest: GuestLook, others: readonly Verdict[]): Outcome | undefined {
  const client = guest.facts.unit?.client;
  if (client === "none") return skipped("no client is declared");
  if (client === "configured") {
    return skipped("the client is a configured one: what it makes of a key is not known");
  }
  const open = others.filter(isOpen).map(({ id }) => id);
  return open.length === 0 ? undefined : skipped(`not tried before ${open.join(", ")}`);
}

/** One look: the guest's facts, and the proofs from the host. */
async function look(
  inputs: MirReadinessInputs,
): Promise<{ props: MirReadinessProps; sessionSeconds: number | null }> {
  const guest = await probe(inputs.guest);
  if (typeof guest === "string") {
    const proofs = { domain: UP.domain, ssh: unmet(`no answer: ${guest}`) } as Proofs;
    return { props: resultOf(inputs, { proofs }, NO_PICTURE), sessionSeconds: null };
  }
  const { sessionSeconds } = guest;
  const share = await proveShare(inputs);
  const picture: PictureProof = await provePicture(inputs);
  const outputs = await proveOutputs(inputs, picture.seen);
  const proofs: Proofs = { ...UP, share, picture: picture.outcome, outputs };
  const before = resultOf(inputs, { guest, proofs }, picture);
  const keyboard = keyboardOutcome(guest, before.verdicts);
  if (keyboard !== undefined || picture.seen === undefined) {
    const withKeyboard = { ...proofs, ...(keyboard === undefined ? {} : { keyboard }) };
    return { props: resultOf(inputs, { guest, proofs: withKeyboard }, picture), sessionSeconds };
  }
  const { outcome, kept = picture } = await proveKeyboard(inputs, picture.seen);
  const seen = { guest, proofs: { ...proofs, keyboard: outcome } };
  return { props: resultOf(inputs, seen, kept), sessionSeconds };
}

const NO_PICTURE = { sha256: "", time: "" };

/** Checks are unmet and waiting cannot help; the verdicts are the whole reason. */
class Unmet extends Error {}

/** Omits the fix for checks that waiting may still meet, if there are others. */
function finalReasons(open: readonly Verdict[]): string[] {
  const stays = open.filter((v) => !v.settles);
  if (stays.length === 0) return open.map(verdictText);
  return open.map((v) =>
    v.settles ? `${v.id}: found ${v.found}; not judged: waiting may change it` : verdictText(v),
  );
}

function printReady(what: string, props: MirReadinessProps): void {
  console.log(`${what} ${countMet(props.verdicts)}`);
  for (const warning of props.verdicts.filter((v) => !isMet(v))) {
    console.log(`${props.domain}: warning: ${verdictText(warning)}`);
  }
}

/** Looks until ready. An unmet check fails the deploy; the state keeps the measurements. */
async function prove(inputs: MirReadinessInputs): Promise<MirReadinessProps> {
  const { acceleration, domain } = inputs;
  const what = `${domain}: readiness`;
  const limitS = LIMITS_S[acceleration].session;
  let last: MirReadinessProps | undefined;
  let settledLooks = 0;
  let slow = 1;
  const lookOnce: Try<MirReadinessProps> = async () => {
    await assertRunning(inputs.host, domain, inputs.serialLog);
    const started = performance.now();
    const { props, sessionSeconds } = await look(inputs);
    slow = Math.max(slow, slowness((performance.now() - started) / 1000, LOOK_S));
    last = props;
    if (props.status === "ready") {
      printReady(what, props);
      return { value: props };
    }
    const open = props.verdicts.filter(isOpen);
    // A session that has run for so long will not meet more checks: somebody broke it.
    settledLooks = (sessionSeconds ?? 0) >= SETTLED_S[acceleration] * slow ? settledLooks + 1 : 0;
    const count = `${countMet(props.verdicts)}, not yet ${open.map((v) => v.id).join(", ")}`;
    if (open.some((v) => !v.settles) || settledLooks >= SETTLED_LOOKS) {
      last = { ...props, reasons: finalReasons(open) };
      throw new Unmet(`${what} ${count}`);
    }
    return { notYet: count, moved: props.verdicts.filter(isMet).length };
  };
  try {
    // This `up` may have just started the guest.
    await waitForSsh(inputs);
    const stallS = (): number => STALL_S[acceleration].session * slow;
    return await waitFor({ what, limitS, stallS }, lookOnce);
  } catch (error) {
    throw failure(inputs, last, error as Error);
  }
}

/** Looks at a settled session before it fails: a single look may hit a bad moment. */
const SETTLED_LOOKS = 3;

/** A failure in Pulumi's form: the state keeps the properties, and the next `up` retries. */
function failure(
  inputs: MirReadinessInputs,
  last: MirReadinessProps | undefined,
  error: Error,
): Error {
  if (!(error instanceof Stuck)) {
    if (last === undefined) return error;
    const reasons = [...last.reasons, ...(error instanceof Unmet ? [] : [error.message])];
    return notReady(inputs, last, reasons);
  }
  const { id, outcome } = { id: error.check, outcome: error.outcome };
  const now = resultOf(inputs, { proofs: { [id]: outcome } }, NO_PICTURE);
  const kept = last?.verdicts.filter((v) => v.id !== id) ?? [];
  const order = CHECKS.map((check) => check.id);
  const verdicts = [...kept, ...now.verdicts].sort(
    (a, b) => order.indexOf(a.id) - order.indexOf(b.id),
  );
  const props = { ...(last ?? now), status: "not ready" as const, reasons: now.reasons, verdicts };
  // The first line of the message repeats the verdict; the lines of the log follow it.
  const log = error.message.split("\n").slice(1).join("\n").trim();
  return notReady(inputs, props, [...now.reasons, ...(log === "" ? [] : [log])]);
}

function notReady({ domain, bootId }: MirReadinessInputs, properties: object, reasons: string[]) {
  return Object.assign(new Error(`${domain} is not ready`), { id: bootId, properties, reasons });
}

/** The last proofs, as far as they still hold without repeating them. */
async function keptProofs(props: MirReadinessProps, guest: GuestLook): Promise<Proofs> {
  const kept = (id: "share" | "picture" | "keyboard" | "outputs"): Proofs => {
    // The state of an earlier version has no verdicts.
    const verdict = (props.verdicts as Verdict[] | undefined)?.find((v) => v.id === id);
    return verdict === undefined ? {} : { [id]: verdict };
  };
  const { share, picture } = props;
  const mounted =
    share === undefined || (guest.facts.mounts ?? []).some(({ dir }) => dir === share.mount);
  const intact = await pictureIntact(picture, props.pictureSha256);
  const signs = newSigns(props.facts, guest.facts);
  return {
    ...{ ...UP, ...kept("share"), ...kept("picture"), ...kept("keyboard"), ...kept("outputs") },
    ...(mounted ? {} : { share: unmet(`no 9p mount on ${share.mount}`) }),
    ...(intact
      ? {}
      : {
          picture: unmet(`${picture} is missing or was changed`, {
            remedy: "run 'up': it takes a new picture",
          }),
        }),
    // The kept picture is of a time before: only a new one shows whether the display still moves.
    ...(signs.length === 0
      ? {}
      : {
          picture: unmet(`signs of a frozen display: ${signs.join("; ")}`, {
            remedy: "run 'up': it takes a new picture, and presses a key where a client shows it",
          }),
        }),
  };
}

/** Signs that were not there when the last proof was made, which showed a display that moved with the others. */
function newSigns(proven: GuestFacts | null, now: GuestFacts): readonly string[] {
  // The state of an earlier version has none.
  const known = (proven as Partial<GuestFacts> | null)?.signs ?? [];
  return (now.signs ?? []).filter((sign) => !known.includes(sign));
}

/** Why the guest cannot answer: its domain does not run. Costs one call of virsh. */
async function domainFault({ host, domain }: MirReadinessInputs): Promise<string | undefined> {
  return assertRunning(host, domain, "").then(
    () => undefined,
    (error: Error) => error.message.trim(),
  );
}

/** Start of the reason for a missing report, which comes from no verdict. */
const LOST_REPORT = "report: ";

/**
 * A look's result with the words that the state has. `required` and `remedy` change between
 * versions of this project; without this a refresh would show the new words as drift. A verdict
 * keeps its words while its finding is the same, the reasons while all of their verdicts are kept.
 */
function withKeptWords(now: MirReadinessProps, before: MirReadinessProps): MirReadinessProps {
  // The state of an earlier version has no verdicts.
  const old = (before.verdicts as Verdict[] | undefined) ?? [];
  const keptOf = (v: Verdict): Verdict | undefined =>
    old.find(({ id, status, found }) => id === v.id && status === v.status && found === v.found);
  const open = now.verdicts.filter(isOpen);
  const sameReasons =
    before.status === "not ready" &&
    open.length === old.filter(isOpen).length &&
    open.every((v) => keptOf(v) !== undefined);
  return {
    ...now,
    verdicts: now.verdicts.map((v) => keptOf(v) ?? v),
    reasons: sameReasons
      ? before.reasons.filter((reason) => !reason.startsWith(LOST_REPORT))
      : now.reasons,
  };
}

/** Runs the checks, and writes a report beside the picture, also when they fail. */
const proveAndReport = (inputs: MirReadinessInputs): Promise<MirReadinessProps> =>
  leaveEvidence(dirname(inputs.picture), inputs, prove(inputs));

/** Why gates are refused: malformed, or below the page's floor. */
function gateFailures(gates: GateRequirements | undefined): pulumi.dynamic.CheckFailure[] {
  return (["kernel", "mesa"] as const).flatMap((key) => {
    const text = gates?.[key];
    if (text === undefined || text === UNKNOWN) return [];
    const reason = gateFault(text, PAGE_FLOORS[key]);
    return reason === undefined ? [] : [{ property: `gates.${key}`, reason }];
  });
}

export const provider: pulumi.dynamic.ResourceProvider<MirReadinessInputs, MirReadinessProps> = {
  async check(_olds, news) {
    return { inputs: news, failures: gateFailures(news.gates) };
  },
  async create(inputs) {
    return { id: inputs.bootId, outs: await proveAndReport(inputs) };
  },
  /**
   * Checks the guest without changing anything. A guest that does not answer is `unreachable`, not
   * an error, because refresh runs before `up` can start it; and it is never reported as deleted.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const guest =
      (await domainFault(props)) ?? answered((await lookAtGuest(props.guest, "facts.py")).result);
    if (typeof guest === "string") {
      return { id, props: { ...props, status: "unreachable", reasons: [guest] } };
    }
    const proofs = await keptProofs(props, guest);
    const kept = { sha256: props.pictureSha256, time: props.pictureTime };
    const now = withKeptWords(resultOf(props, { guest, proofs }, kept), props);
    const report = reportFile(dirname(props.picture));
    const lost = existsSync(report) ? [] : [`${LOST_REPORT}${report} is missing`];
    const status = lost.length === 0 ? now.status : "not ready";
    const reasons = [...now.reasons, ...lost];
    // The engine's own words are that the resource changes.
    for (const reason of reasons) console.log(`${props.domain}: ${reason}`);
    return { id, props: { ...props, ...now, status, reasons } };
  },
  async diff(_id, olds, news) {
    const declared = !isDeepStrictEqual(pick(olds), pick(news));
    return { changes: declared || olds.status !== "ready" };
  },
  async update(_id, _olds, news) {
    return { outs: await proveAndReport(news) };
  },
  async delete(_id, props) {
    await removeEvidence(dirname(props.picture));
    await rm(props.picture, { force: true });
    await rmdir(dirname(props.picture)).catch(() => undefined);
  },
};

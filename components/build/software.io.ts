/** What a guest's kernel and Mesa have in common: steps of their scripts, and the checks after them. */
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { judge } from "../readiness/checks";
import { isMet, UP, Verdict, verdictText } from "../../core/verdict";
import { GuestLook } from "../guest/facts";
import { BuildPlace } from "./build";
import { LIMITS_S } from "../../core/limits";
import { SoftwareConfig } from "./software";
import { GateRequirements } from "../../core/requirement";
import { failWithEvidence } from "../report/evidence.io";
import { RunResult } from "../../core/exec.io";
import { GuestBootInputs } from "../guest/boot.provider";
import { lookAtGuest, probe } from "../guest/look.io";
import { connectionFault, runInGuest } from "../../core/link.io";
import { waitFor } from "../../core/wait";

export interface SoftwareInputs extends Omit<GuestBootInputs, "adopted"> {
  /** Name of the guest in its lab: the first word of every line. */
  readonly name: string;
  readonly config: SoftwareConfig;
  readonly gates: GateRequirements;
  /** The guest has a share: its kernel needs 9p. */
  readonly share: boolean;
  /** What `up` does with a guest that was changed by somebody else. */
  readonly onDrift: "heal" | "report";
  /** Where builds are prepared and kept; set where the configuration has one. */
  readonly place?: BuildPlace;
}

export interface SoftwareProps<Facts> extends SoftwareInputs {
  /** `unreachable`: the facts are the last known ones. */
  readonly status: "as decided" | "to do" | "unreachable";
  readonly facts: Facts;
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
export function pickSoftware(i: SoftwareInputs): SoftwareInputs {
  const { guest, domain, bootId, acceleration, serialLog, name, config, gates, share, onDrift } = i;
  return {
    ...{ guest, domain, bootId, acceleration, serialLog, name, config, gates, share, onDrift },
    ...(i.host === undefined ? {} : { host: i.host }),
    ...(i.place === undefined ? {} : { place: i.place }),
  };
}

export type Software = "kernel" | "mesa";

const STEP_MS = 900_000;

/** What a script that tells of the guest has said. Throws with the reason when it has not. */
export function answerOf(result: RunResult): string {
  if (result.code === 0) return result.stdout.toString();
  const reason = result.stderr.trim().split("\n").at(-1) ?? "";
  throw new Error(reason || "no answer");
}

/** One verb of the software's script; standard input is its data, and the last line of its words the reason. */
export async function softwareStep(
  software: Software,
  { guest, name }: SoftwareInputs,
  what: string,
  args: readonly string[],
  options: { readonly stdin?: Buffer; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { stdin = "", timeoutMs = STEP_MS } = options;
  const done = await runInGuest(guest, `${software}.sh`, args, { stdin, timeoutMs });
  if (done.code === 0) return done.stdout.toString().trim();
  const lost = connectionFault(done) === undefined ? "" : "; it goes on there: run 'up' again";
  const reason = done.stderr.trim() || (done.timedOut ? "no end in time" : "no message");
  throw new Error(`${name}: ${what}: ${reason}${lost}`);
}

/** Fatal checks of boot and graphics that the guest does not meet now. */
function openVerdicts(
  software: Software,
  inputs: SoftwareInputs,
  look: Parameters<typeof judge>[0],
): Verdict[] {
  const share = { path: "", mount: "", readonly: false };
  const wanted = { gates: inputs.gates, picture: "", ...(inputs.share ? { share } : {}) };
  // Of a kernel Mir's own tests run before a session: without one there are none yet, and
  // MirReadiness asks. Another Mesa comes after another kernel.
  const hasSession = look.guest?.facts.unit?.loadState === "loaded";
  const later = software === "mesa" ? [] : ["mesa", ...(hasSession ? [] : ["harness"])];
  const asked = (v: Verdict): boolean =>
    v.tier === "session" ? software === "mesa" && v.id === "test-client" : !later.includes(v.id);
  return judge(look, wanted).filter((v) => v.fatal && !isMet(v) && asked(v));
}

/**
 * The look in which the guest met the checks of boot and graphics with the new software. Rejects with
 * those that it does not meet.
 */
export async function passes(software: Software, inputs: SoftwareInputs): Promise<GuestLook> {
  const { acceleration, domain } = inputs;
  const what = `${domain}: checks of the new ${software === "kernel" ? "boot" : "Mesa"}:`;
  // No stall: a kernel is not judged by how busy its host is.
  const limitS = LIMITS_S[acceleration].session;
  return waitFor<GuestLook>({ what, limitS }, async () => {
    const guest = await probe(inputs.guest);
    if (typeof guest === "string") return { notYet: guest };
    const open = openVerdicts(software, inputs, { guest, proofs: UP });
    if (open.length === 0) return { value: guest };
    // A session that starts tests a new kernel for the first time.
    const stays = open.filter((v) => !v.settles && (software === "mesa" || v.id !== "harness"));
    if (stays.length > 0) throw new Error(stays.map(verdictText).join("\n"));
    return { notYet: `not yet ${open.map((v) => v.id).join(", ")}` };
  });
}

interface SoftwareHandler<Facts, Props> {
  /** What the software's script reports, as it is kept. Throws with the reason when it has told nothing. */
  readonly factsOf: (result: RunResult) => Facts;
  readonly planFor: (inputs: SoftwareInputs, facts: Facts) => { readonly words: string };
  /** Takes the plan's steps; `before`: what was kept, of an update. */
  readonly follow: (inputs: SoftwareInputs, before?: Props) => Promise<Props>;
}

/** The handler of the software's resource: looks by its script, and acts where its plan has something to do. */
export function softwareProvider<Facts, Props extends SoftwareProps<Facts>>(
  software: Software,
  { factsOf, planFor, follow }: SoftwareHandler<Facts, Props>,
): pulumi.dynamic.ResourceProvider<SoftwareInputs, Props> {
  const converge = (inputs: SoftwareInputs, before?: Props): Promise<Props> =>
    follow(inputs, before).catch(failWithEvidence(dirname(inputs.guest.config), inputs));
  return {
    async create(inputs) {
      const outs = await converge(inputs);
      return { id: `${inputs.guest.alias}-${software}`, outs };
    },
    /** Looks without changing anything. What is to be done is told by `diff`: it knows the new gate. */
    async read(id, props) {
      if (props === undefined) throw new Error(`${id}: cannot be imported`);
      try {
        const { result } = await lookAtGuest(props.guest, `${software}.py`);
        const facts = factsOf(result);
        const { words } = planFor(props, facts);
        return { id, props: { ...props, facts, status: words === "" ? "as decided" : "to do" } };
      } catch {
        return { id, props: { ...props, status: "unreachable" } };
      }
    },
    async diff(_id, olds, news) {
      const edited = !isDeepStrictEqual(pickSoftware(olds), pickSoftware(news));
      const { words } = planFor(news, olds.facts);
      if (words !== "") console.log(`${news.name}: ${words}`);
      return { changes: edited || (olds.status !== "unreachable" && words !== "") };
    },
    async update(_id, olds, news) {
      if (news.onDrift === "report" && isDeepStrictEqual(pickSoftware(olds), pickSoftware(news))) {
        console.log(`${news.name}: ${software}: only told: onDrift`);
        return { outs: { ...olds } };
      }
      return { outs: await converge(news, olds) };
    },
  };
}

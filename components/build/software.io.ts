/** What a guest's kernel and Mesa have in common: steps of their scripts, and the checks after them. */
import { judge } from "../readiness/checks";
import { isMet, UP, Verdict, verdictText } from "../../core/verdict";
import { GuestLook } from "../guest/facts";
import { LIMITS_S } from "../../core/limits";
import { Software, SoftwareInputs } from "./software";
import { RunResult } from "../../core/exec.io";
import { probe } from "../guest/look.io";
import { connectionFault, runInGuest } from "../../core/link.io";
import { waitFor } from "../../core/wait";

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

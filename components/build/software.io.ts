/** Shared by kernel and Mesa: running their scripts in the guest, and the checks afterwards. */
import { judge } from "../readiness/checks";
import { isMet, UP, Verdict, verdictText } from "../../core/verdict";
import { GuestLook } from "../guest/facts";
import { LIMITS_S } from "../../core/limits";
import { Software, SoftwareInputs } from "./software";
import { RunResult } from "../../core/exec.io";
import { lastLine } from "../../core/plainText";
import { probe } from "../guest/look.io";
import { connectionFault, runInGuest } from "../../core/link.io";
import { waitFor } from "../../core/wait";

const STEP_MS = 900_000;

/** The output of a script that reports facts. Throws with the reason when it failed. */
export function answerOf(result: RunResult): string {
  if (result.code === 0) return result.stdout.toString();
  const reason = lastLine(result.stderr);
  throw new Error(reason || "no answer");
}

/** Runs one verb of the software's script; standard input is its data. Throws with its messages. */
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
  const lost =
    connectionFault(done) === undefined
      ? ""
      : "; the step continues in the guest; fix: run 'up' again";
  const reason = done.stderr.trim() || (done.timedOut ? "timed out" : "no message");
  throw new Error(`${name}: ${what}: ${reason}${lost}`);
}

/** Fatal boot and graphics checks that the guest does not meet now. */
function openVerdicts(
  software: Software,
  inputs: SoftwareInputs,
  look: Parameters<typeof judge>[0],
): Verdict[] {
  const share = { path: "", mount: "", readonly: false };
  const { gates, video } = inputs;
  const wanted = {
    ...{ gates, picture: "" },
    ...(inputs.share ? { share } : {}),
    ...(video === undefined ? {} : { video }),
  };
  // A session runs Mir's own tests when it starts. Before there is a session, leave them to
  // MirReadiness. GuestMesa, which runs after GuestKernel, may still replace Mesa.
  const hasSession = look.guest?.facts.unit?.loadState === "loaded";
  const later = software === "mesa" ? [] : ["mesa", ...(hasSession ? [] : ["harness"])];
  const asked = (v: Verdict): boolean =>
    v.tier === "session" ? software === "mesa" && v.id === "test-client" : !later.includes(v.id);
  return judge(look, wanted).filter((v) => v.fatal && !isMet(v) && asked(v));
}

/**
 * Waits for a look in which the guest meets the boot and graphics checks with the new software.
 * Rejects with the unmet checks.
 */
export async function passes(software: Software, inputs: SoftwareInputs): Promise<GuestLook> {
  const { acceleration, domain } = inputs;
  const what = `${domain}: checks of the new ${software === "kernel" ? "kernel" : "Mesa"}:`;
  // No limit for missing progress: a busy host must not fail a kernel.
  const limitS = LIMITS_S[acceleration].session;
  return waitFor<GuestLook>({ what, limitS }, async () => {
    const guest = await probe(inputs.guest);
    if (typeof guest === "string") return { notYet: guest };
    const open = openVerdicts(software, inputs, { guest, proofs: UP });
    if (open.length === 0) return { value: guest };
    // A starting session runs the harness with the new kernel: wait for its result.
    const stays = open.filter((v) => !v.settles && (software === "mesa" || v.id !== "harness"));
    if (stays.length > 0) throw new Error(stays.map(verdictText).join("\n"));
    return { notYet: `not yet ${open.map((v) => v.id).join(", ")}` };
  });
}

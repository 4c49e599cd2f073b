/**
 * Runs all scripts that a preview needs in a guest in one round trip: a login costs an emulated
 * guest more than the scripts. Each resource of the guest takes its own part of the answer.
 */
import { z } from "zod";
import { connectionFault, runInGuest, scriptText } from "../../core/link.io";
import { SshTarget } from "../../core/target";
import { GuestLook, readFacts } from "./facts";
import { RunResult } from "../../core/exec.io";

/** The scripts, in scripts/guest; they change nothing and take no arguments. */
const PARTS = ["facts.py", "observe.py", "kernel.py", "mesa.py"] as const;
type Part = (typeof PARTS)[number];

export interface GuestAnswer {
  readonly result: RunResult;
  /** Times of question and answer, seconds since the epoch. */
  readonly asked: { readonly from: number; readonly to: number };
}
type Answers = Readonly<Record<Part, GuestAnswer>>;

/** How long the resources of one refresh may reuse an answer. */
const FRESH_MS = 2000;
const LOOK_MS = 120_000;

interface Look {
  readonly answers: Promise<Answers>;
  ended?: number;
}
/** By target; one process serves all dynamic resources of a preview. */
const looks = new Map<string, Look>();

/** Discards all answers; call it before the guest is changed. */
export function forgetLooks(): void {
  looks.clear();
}

/** The answer of one script; the first caller runs all scripts together. */
export async function lookAtGuest(guest: SshTarget, part: Part): Promise<GuestAnswer> {
  const target = JSON.stringify(guest);
  let look = looks.get(target);
  if (look === undefined || (look.ended ?? Infinity) < Date.now() - FRESH_MS) {
    const fresh: Look = { answers: askAll(guest) };
    look = fresh;
    looks.set(target, fresh);
    void fresh.answers.finally(() => (fresh.ended = Date.now()));
  }
  return (await look.answers)[part];
}

const answersSchema = z.record(
  z.string(),
  z.object({ code: z.int(), out: z.string(), err: z.string() }),
);

async function askAll(guest: SshTarget): Promise<Answers> {
  const from = Date.now() / 1000;
  const scripts = Object.fromEntries(PARTS.map((part) => [part, scriptText(`guest/${part}`)]));
  const stdin = JSON.stringify(scripts);
  const whole = await runInGuest(guest, "ask.py", [], { stdin, timeoutMs: LOOK_MS });
  const asked = { from, to: Date.now() / 1000 };
  const answers = whole.code === 0 ? read(whole.stdout.toString()) : undefined;
  const answer = (part: Part): GuestAnswer => {
    if (whole.code !== 0) return { asked, result: whole };
    const one = answers?.[part];
    const fault = { code: 1, out: "", err: "the guest's answer is malformed" };
    const { code, out, err } = one ?? fault;
    return { asked, result: { code, stdout: Buffer.from(out), stderr: err, timedOut: false } };
  };
  return Object.fromEntries(PARTS.map((part) => [part, answer(part)])) as unknown as Answers;
}

function read(text: string): z.output<typeof answersSchema> | undefined {
  try {
    return answersSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The guest's facts, or why it did not answer. */
export async function probe(guest: SshTarget): Promise<GuestLook | string> {
  return answered(await runInGuest(guest, "facts.py", [], { timeoutMs: 120_000 }));
}

export function answered(result: RunResult): GuestLook | string {
  if (result.code === 0) return readFacts(result.stdout.toString());
  if (connectionFault(result) === "refused-key") return "its SSH host key is not the pinned one";
  if (/python3:.* not found/.test(result.stderr)) {
    return "found no python3 in the guest; need it to collect facts; fix: install package python3";
  }
  const why = result.stderr.trim();
  return why === "" ? "no answer" : why;
}

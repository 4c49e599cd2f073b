/**
 * Leaves what a look at a guest has found as files: a report for a person, JUnit XML and JSON for
 * programs, logs, the picture. It never changes how a deploy ends: what cannot be had is told in the
 * report, and a report that cannot be written in one line.
 */
import { mkdir, readFile, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Verdict, verdictText } from "../../core/verdict";
import { Evidence, EvidencePicture, Log } from "./evidence";
import { junit } from "./junit";
import { Acceleration } from "../../core/limits";
import { tail } from "../../core/plainText";
import { report } from "./report";
import { serialTail } from "../../core/virsh.io";
import { runInGuest } from "../../core/link.io";
import { SshTarget } from "../../core/target";
import { reportFile } from "../../core/paths";
import { writeWhole } from "../../core/privateFile.io";

const FILES = {
  junit: "junit.xml",
  facts: "facts.json",
  picture: "screen.png",
  session: "session.log",
  serial: "serial.log",
  // Last: when it is there, so is what it names.
  report: "report.html",
} as const;

/** The guest that was looked at. */
export interface Subject {
  readonly guest: SshTarget;
  readonly host?: SshTarget;
  readonly domain: string;
  readonly acceleration: Acceleration;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
}

/** What a look has measured; a part is missing where it did not come so far. */
interface Measured {
  readonly verdicts?: readonly Verdict[];
  readonly facts?: unknown;
  /** Its file, and when it was taken; no time: it was not. */
  readonly picture?: string;
  readonly pictureTime?: string;
}

type Failure = Error & { readonly properties?: Measured; readonly reasons?: readonly string[] };

const SESSION_LINES = 400;
const SERIAL_LINES = 2000;
/** Characters of a log that are kept; the whole stays where it is. */
const LOG_CHARS = 1024 * 1024;
/** The deploy has ended, and somebody waits for its last line. */
const SESSION_LIMIT_MS = 45_000;
const SERIAL_LIMIT_MS = 15_000;

async function sessionLog({ guest, domain }: Subject): Promise<Log> {
  const whole = `'journalctl -b -u mir-session -u mir-session-client' in ${domain}`;
  const options = { timeoutMs: SESSION_LIMIT_MS };
  const told = await runInGuest(guest, "session-log.sh", [String(SESSION_LINES)], options);
  if (told.code === 0) return { text: told.stdout.toString(), whole };
  const late = told.timedOut ? `no answer in ${SESSION_LIMIT_MS / 1000} s` : "no answer";
  const why = told.stderr.trim().split("\n").at(-1) ?? "";
  return { missing: `The guest did not tell it: ${why === "" ? late : why}`, whole };
}

async function serialLog({ host, serialLog: whole }: Subject): Promise<Log> {
  if (whole === "") return { missing: "The domain has no serial log of the lab's.", whole: "none" };
  const options = { timeoutMs: SERIAL_LIMIT_MS };
  return { text: await serialTail(host, whole, SERIAL_LINES, options), whole };
}

async function pictures({ picture, pictureTime = "" }: Measured): Promise<EvidencePicture[]> {
  if (picture === undefined || pictureTime === "") return [];
  const png = await readFile(picture);
  return [{ title: "Screen", time: pictureTime, png, file: FILES.picture }];
}

/** What the facts say of versions, where they say it as texts. */
function versions(facts: unknown): Record<string, string> {
  const told = { ...(facts as Record<string, unknown> | null | undefined) };
  const named: [string, unknown][] = [
    ["Linux", told.kernel],
    ["Mesa", told.mesa],
    ["Mir", told.mir],
  ];
  return Object.fromEntries(
    named.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** Why a look has failed, without what its verdicts say already. */
function faultOf(failure: Failure): string {
  const said = (failure.properties?.verdicts ?? []).map(verdictText);
  if (failure.reasons === undefined) return failure.message;
  return failure.reasons.filter((reason) => !said.includes(reason)).join("\n");
}

async function gather(
  folder: string,
  subject: Subject,
  measured: Measured,
  failure: Failure | undefined,
): Promise<Evidence> {
  const [shown, session, serial] = await Promise.all([
    pictures(measured),
    sessionLog(subject),
    serialLog(subject),
  ]);
  const fault = failure === undefined ? "" : faultOf(failure);
  return {
    stack: basename(dirname(folder)),
    guest: basename(folder),
    domain: subject.domain,
    ready: failure === undefined,
    ...(fault === "" ? {} : { fault }),
    time: new Date().toISOString(),
    acceleration: subject.acceleration,
    verdicts: measured.verdicts ?? [],
    versions: versions(measured.facts),
    facts: measured.facts ?? null,
    pictures: shown,
    sessionLog: session,
    serialLog: serial,
  };
}

/** The facts and verdicts for programs; a new shape gets a new version. */
function factsJson({ pictures: _p, sessionLog: _s, serialLog: _l, ...told }: Evidence): string {
  return `${JSON.stringify({ version: 1, ...told }, undefined, 2)}\n`;
}

function logText(log: Log, lines: number): string {
  return "text" in log ? `${tail(log.text, lines, LOG_CHARS).text}\n` : `${log.missing}\n`;
}

/** Contents by name; a file that this look has nothing for must not stay from the one before. */
function contents(evidence: Evidence): [name: string, data: string | Buffer | undefined][] {
  return [
    [FILES.junit, junit(evidence)],
    [FILES.facts, factsJson(evidence)],
    [FILES.picture, evidence.pictures[0]?.png],
    [FILES.session, logText(evidence.sessionLog, SESSION_LINES)],
    [FILES.serial, logText(evidence.serialLog, SERIAL_LINES)],
    [FILES.report, report(evidence)],
  ];
}

async function write(
  results: string,
  evidence: Evidence,
  mode: { readonly folder: number; readonly file: number },
): Promise<void> {
  await mkdir(results, { recursive: true, mode: mode.folder });
  for (const [name, data] of contents(evidence)) {
    const path = join(results, name);
    if (data === undefined) await rm(path, { force: true });
    else await writeWhole(path, data, mode.file);
  }
}

async function tell(
  folder: string,
  subject: Subject,
  measured: Measured,
  failure?: Failure,
): Promise<void> {
  const file = reportFile(folder);
  try {
    const evidence = await gather(folder, subject, measured, failure);
    await write(dirname(file), evidence, { folder: 0o700, file: 0o600 });
    console.log(`${subject.domain}: report ${file}`);
    const wanted = process.env.MIRLAB_RESULTS ?? "";
    if (wanted === "") return;
    // For CI to collect, maybe as another user: the mode is the user's umask.
    const copy = join(resolve(wanted), evidence.stack, evidence.guest);
    await write(copy, evidence, { folder: 0o777, file: 0o666 });
  } catch (error) {
    console.log(`${subject.domain}: the report is not written: ${(error as Error).message}`);
  }
}

/**
 * Gives a proof's outcome on unchanged, after a report of it is written. `folder` is the guest's in
 * its lab's; a failure may carry what it measured as `properties`, as Pulumi takes it.
 */
export async function leaveEvidence<T extends Measured>(
  folder: string,
  subject: Subject,
  proof: Promise<T>,
): Promise<T> {
  const measured = await proof.catch(failWithEvidence(folder, subject));
  await tell(folder, subject, measured);
  return measured;
}

/** Passes a failure on, after a report of it is written. */
export function failWithEvidence(
  folder: string,
  subject: Subject,
): (failure: Error) => Promise<never> {
  return async (failure) => {
    await tell(folder, subject, (failure as Failure).properties ?? {}, failure);
    throw failure;
  };
}

/** Removes what was written into a guest's folder, and only that; copies for CI stay. */
export async function removeEvidence(folder: string): Promise<void> {
  const results = dirname(reportFile(folder));
  for (const name of Object.values(FILES)) {
    await rm(join(results, name), { force: true });
    await rm(join(results, `${name}.partial`), { force: true });
  }
  // Anything else in the folder is not ours: leave both.
  await rmdir(results).catch(() => undefined);
}

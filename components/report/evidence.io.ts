/**
 * Writes the result of a look at a guest to files: an HTML report, JUnit XML, JSON, logs and the
 * picture. It never changes the result of a deploy: the report names data that could not be read,
 * and one printed line says that a report could not be written.
 */
import { mkdir, readFile, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Verdict, verdictText } from "../../core/verdict";
import { Evidence, EvidencePicture, Log } from "./evidence";
import { junit } from "./junit";
import { Acceleration } from "../../core/limits";
import { lastLine, tail } from "../../core/plainText";
import { report } from "./report";
import { serialTail } from "../../core/virsh.io";
import { runInGuest } from "../../core/link.io";
import { HostTarget, SshTarget } from "../../core/target";
import { reportFile } from "../../core/paths";
import { writeWhole } from "../../core/privateFile.io";

const FILES = {
  junit: "junit.xml",
  facts: "facts.json",
  picture: "screen.png",
  session: "session.log",
  serial: "serial.log",
  // Written last: when it exists, so do the files that it refers to.
  report: "report.html",
} as const;

/** The observed guest. */
export interface Subject {
  readonly guest: SshTarget;
  readonly host?: HostTarget;
  readonly domain: string;
  readonly acceleration: Acceleration;
  /** Serial console log on the host; empty when the domain has none. */
  readonly serialLog: string;
}

/** The measurements of a look; parts that it did not reach are missing. */
interface Measured {
  readonly verdicts?: readonly Verdict[];
  readonly facts?: unknown;
  /** File and time of the picture; without a time there is no picture. */
  readonly picture?: string;
  readonly pictureTime?: string;
}

type Failure = Error & { readonly properties?: Measured; readonly reasons?: readonly string[] };

const SESSION_LINES = 400;
const SERIAL_LINES = 2000;
/** Characters of a log in the results; the complete log stays at its place. */
const LOG_CHARS = 1024 * 1024;
/** Short, because the deploy has ended and somebody waits for it. */
const SESSION_LIMIT_MS = 45_000;
const SERIAL_LIMIT_MS = 15_000;

async function sessionLog({ guest, domain }: Subject): Promise<Log> {
  const whole = `'journalctl -b -u mir-session -u mir-session-client' in ${domain}`;
  const options = { timeoutMs: SESSION_LIMIT_MS };
  const read = await runInGuest(guest, "session-log.sh", [String(SESSION_LINES)], options);
  if (read.code === 0) return { text: read.stdout.toString(), whole };
  const late = read.timedOut ? `no answer in ${SESSION_LIMIT_MS / 1000} s` : "no answer";
  const why = lastLine(read.stderr);
  return { missing: `Not available from the guest: ${why === "" ? late : why}`, whole };
}

async function serialLog({ host, serialLog: whole }: Subject): Promise<Log> {
  if (whole === "")
    return { missing: "The lab keeps no serial log of this domain.", whole: "none" };
  const options = { timeoutMs: SERIAL_LIMIT_MS };
  return { text: await serialTail(host, whole, SERIAL_LINES, options), whole };
}

async function pictures({ picture, pictureTime = "" }: Measured): Promise<EvidencePicture[]> {
  if (picture === undefined || pictureTime === "") return [];
  const png = await readFile(picture);
  return [{ title: "Screen", time: pictureTime, png, file: FILES.picture }];
}

/** The versions in the facts; values that are not texts are omitted. */
function versions(facts: unknown): Record<string, string> {
  const all = { ...(facts as Record<string, unknown> | null | undefined) };
  const named: [string, unknown][] = [
    ["Linux", all.kernel],
    ["Mesa", all.mesa],
    ["Mir", all.mir],
  ];
  return Object.fromEntries(
    named.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** Why a look failed, without the reasons that repeat its verdicts. */
function faultOf(failure: Failure): string {
  const known = (failure.properties?.verdicts ?? []).map(verdictText);
  if (failure.reasons === undefined) return failure.message;
  return failure.reasons.filter((reason) => !known.includes(reason)).join("\n");
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

/** Facts and verdicts for programs; increase the version with every change of the format. */
function factsJson({ pictures: _p, sessionLog: _s, serialLog: _l, ...data }: Evidence): string {
  return `${JSON.stringify({ version: 1, ...data }, undefined, 2)}\n`;
}

function logText(log: Log, lines: number): string {
  return "text" in log ? `${tail(log.text, lines, LOG_CHARS).text}\n` : `${log.missing}\n`;
}

/** Files by name; undefined: remove the file that an earlier look may have left. */
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

async function writeReport(
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
    // CI may collect it as another user: leave the permissions to the umask.
    const copy = join(resolve(wanted), evidence.stack, evidence.guest);
    await write(copy, evidence, { folder: 0o777, file: 0o666 });
  } catch (error) {
    console.log(`${subject.domain}: could not write the report: ${(error as Error).message}`);
  }
}

/**
 * Writes a report on a proof, then passes the proof's outcome on unchanged. `folder` is the guest's
 * folder in the lab's folder. A failure may carry its measurements as `properties`, in Pulumi's
 * form.
 */
export async function leaveEvidence<T extends Measured>(
  folder: string,
  subject: Subject,
  proof: Promise<T>,
): Promise<T> {
  const measured = await proof.catch(failWithEvidence(folder, subject));
  await writeReport(folder, subject, measured);
  return measured;
}

/** Writes a report on a failure, then passes the failure on. */
export function failWithEvidence(
  folder: string,
  subject: Subject,
): (failure: Error) => Promise<never> {
  return async (failure) => {
    await writeReport(folder, subject, (failure as Failure).properties ?? {}, failure);
    throw failure;
  };
}

/** Removes the report's files from a guest's folder, and no others; copies for CI stay. */
export async function removeEvidence(folder: string): Promise<void> {
  const results = dirname(reportFile(folder));
  for (const name of Object.values(FILES)) {
    await rm(join(results, name), { force: true });
    await rm(join(results, `${name}.partial`), { force: true });
  }
  // Keep the folder if other files are in it.
  await rmdir(results).catch(() => undefined);
}

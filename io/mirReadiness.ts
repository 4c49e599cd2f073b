/** Handler of MirReadiness: the gates, asked of the running guest, and the picture that proves it. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { isMet, Verdict, verdictText } from "../lib/checks/verdict";
import { GateRequirements, GuestFacts, judge, PAGE_FLOORS } from "../lib/gates";
import { readFacts } from "../lib/guestFacts";
import { Acceleration, LIMITS_S } from "../lib/limits";
import { pictureFacts, pictureFault, readPicture, toPng } from "../lib/picture";
import { gateFault } from "../lib/requirement";
import { assertRunning } from "./domain";
import { leaveEvidence, removeEvidence } from "./evidence";
import { waitForSsh } from "./guestBoot";
import { connectionFault, runOnHost, runInGuest, SshTarget } from "./link";
import { reportFile } from "./paths";
import { Try, waitFor } from "./wait";

export interface MirReadinessInputs {
  readonly guest: SshTarget;
  readonly host?: SshTarget;
  readonly domain: string;
  readonly uuid: string;
  readonly acceleration: Acceleration;
  readonly serialLog: string;
  readonly gates: GateRequirements;
  /** Host folder of the share, and its mount point in the guest; unset: no share is checked. */
  readonly share?: { readonly path: string; readonly mount: string; readonly readonly: boolean };
  /** File of the picture on the machine that runs Pulumi. */
  readonly picture: string;
  /** Changes with what the session or the hardware is made of: then the guest is asked anew. */
  readonly session: string;
}

export interface MirReadinessProps extends MirReadinessInputs {
  /** `ready`, `not ready`, or `unreachable`: then the facts are the last known ones. */
  readonly status: "ready" | "not ready" | "unreachable";
  /** The unmet gates, one line each; empty when ready. */
  readonly reasons: string[];
  readonly facts: GuestFacts | null;
  /** Of the last proof, in order. */
  readonly verdicts: readonly Verdict[];
  /** SHA-256 of the picture file; empty when there is none. */
  readonly pictureSha256: string;
  /** Time of the picture, ISO 8601; empty when there is none. */
  readonly pictureTime: string;
}

/** Pulumi's mark for a value that is not known yet. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function pick(i: MirReadinessInputs): MirReadinessInputs {
  const { guest, domain, uuid, acceleration, serialLog, gates, picture, session } = i;
  return {
    ...{ guest, domain, uuid, acceleration, serialLog, gates, picture, session },
    ...(i.host === undefined ? {} : { host: i.host }),
    ...(i.share === undefined ? {} : { share: i.share }),
  };
}

/** Facts of the guest by one round trip, or why it could not be asked. */
async function probe(
  inputs: MirReadinessInputs,
): Promise<{ facts: GuestFacts } | { fault: string }> {
  const result = await runInGuest(inputs.guest, "facts.sh", [], { timeoutMs: 120_000 });
  if (result.code !== 0) {
    const refused = connectionFault(result) === "refused-key";
    const why = refused ? "its SSH host key is not the pinned one" : result.stderr.trim();
    return { fault: why === "" ? "no answer" : why };
  }
  return { facts: readFacts(result.stdout.toString()) };
}

/** A nonce written on each side of the share is read on the other. */
async function shareVerdict(inputs: MirReadinessInputs): Promise<Verdict | undefined> {
  if (inputs.share === undefined) return undefined;
  const { path, mount, readonly } = inputs.share;
  const nonce = createHash("sha256")
    .update(`${inputs.uuid} ${process.hrtime.bigint()}`)
    .digest("hex");
  const verdict = (ok: boolean, found: string, settles = true): Verdict => ({
    ...{ id: "share", tier: "session", fatal: true, settles },
    status: ok ? "met" : "unmet",
    found,
    required: `${path} on the host is ${mount} in the guest${readonly ? ", read-only" : ""}`,
    remedy:
      "see 'systemctl status' of the mount unit in the guest, and that libvirt-qemu can write the folder",
  });
  const toGuest = await runOnHost(inputs.host, "share-nonce.sh", ["put", path, nonce]);
  if (toGuest.code !== 0) return verdict(false, toGuest.stderr.trim(), false);
  try {
    const args = ["check", mount, nonce, readonly ? "ro" : "rw"];
    const inGuest = await runInGuest(inputs.guest, "share-nonce.sh", args);
    if (inGuest.code !== 0) return verdict(false, inGuest.stderr.trim());
    const back = await runOnHost(inputs.host, "share-nonce.sh", [
      readonly ? "unchanged" : "answered",
      path,
      nonce,
    ]);
    return verdict(back.code === 0, back.code === 0 ? "both ways" : back.stderr.trim());
  } finally {
    await runOnHost(inputs.host, "share-nonce.sh", ["remove", path, nonce]);
  }
}

/** Takes the picture, keeps it, and judges it. */
async function pictureVerdict(
  inputs: MirReadinessInputs,
): Promise<{ verdict: Verdict; sha256: string; time: string }> {
  const verdict = (ok: boolean, found: string): Verdict => ({
    ...{ id: "picture", tier: "session", fatal: true, settles: true },
    status: ok ? "met" : "unmet",
    found,
    required: "a screen that is not empty",
    remedy: `look at ${inputs.picture}; 'journalctl -u mir-session -u mir-session-client -b' in the guest`,
  });
  const shot = await runOnHost(inputs.host, "screenshot.sh", [inputs.domain]);
  if (shot.code !== 0) {
    return {
      verdict: verdict(false, `no screenshot: ${shot.stderr.trim()}`),
      sha256: "",
      time: "",
    };
  }
  const picture = readPicture(shot.stdout);
  const png = toPng(picture);
  await mkdir(dirname(inputs.picture), { recursive: true, mode: 0o700 });
  await writeFile(`${inputs.picture}.partial`, png, { mode: 0o600 });
  await rename(`${inputs.picture}.partial`, inputs.picture);
  const facts = pictureFacts(picture);
  const fault = pictureFault(facts);
  const size = `${facts.width}x${facts.height}, ${(facts.drawn * 100).toFixed(1)} % drawn`;
  return {
    verdict: verdict(fault === undefined, fault ?? size),
    sha256: createHash("sha256").update(png).digest("hex"),
    time: new Date().toISOString(),
  };
}

/** All verdicts of one look at the guest. */
async function look(
  inputs: MirReadinessInputs,
): Promise<{ props: MirReadinessProps; unmet: Verdict[]; count: string }> {
  const asked = await probe(inputs);
  if ("fault" in asked)
    throw new Error(`${inputs.domain}: the guest cannot be asked: ${asked.fault}`);
  const share = await shareVerdict(inputs);
  const picture = await pictureVerdict(inputs);
  const verdicts = [
    ...judge(asked.facts, inputs.gates),
    ...(share === undefined ? [] : [share]),
    picture.verdict,
  ];
  const unmet = verdicts.filter((v) => !isMet(v));
  const count = `${verdicts.length - unmet.length} of ${verdicts.length}`;
  const props: MirReadinessProps = {
    ...pick(inputs),
    status: unmet.length === 0 ? "ready" : "not ready",
    reasons: unmet.map(verdictText),
    facts: asked.facts,
    verdicts,
    pictureSha256: picture.sha256,
    pictureTime: picture.time,
  };
  return { props, unmet, count };
}

/** Gates are unmet that time cannot meet: the verdicts say all there is to say. */
class Unmet extends Error {}

/** Looks until ready. An unmet gate fails the deploy and keeps the measurements in the state. */
async function prove(inputs: MirReadinessInputs): Promise<MirReadinessProps> {
  // The guest may have been started by this very `up`.
  await waitForSsh(inputs);
  const limitS = LIMITS_S[inputs.acceleration].session;
  const what = `${inputs.domain}: readiness`;
  let last: MirReadinessProps | undefined;
  const lookOnce: Try<MirReadinessProps> = async () => {
    await assertRunning(inputs.host, inputs.domain, inputs.serialLog);
    const { props, unmet, count } = await look(inputs);
    last = props;
    if (unmet.length === 0) {
      console.log(`${what} ${count}`);
      return { value: props };
    }
    if (unmet.some((v) => !v.settles)) throw new Unmet(`${what} ${count}`);
    return { notYet: `${count}, not yet ${unmet.map((v) => v.id).join(", ")}` };
  };
  try {
    return await waitFor({ what, limitS }, lookOnce);
  } catch (error) {
    if (last === undefined) throw error;
    // Pulumi keeps the properties of such a failure, and the next `up` asks again.
    throw Object.assign(new Error(`${inputs.domain} is not ready`), {
      id: inputs.uuid,
      properties: last,
      reasons: [...last.reasons, ...(error instanceof Unmet ? [] : [(error as Error).message])],
    });
  }
}

/** Proves, and leaves a report beside the picture, whatever comes out. */
const proveAndTell = (inputs: MirReadinessInputs): Promise<MirReadinessProps> =>
  leaveEvidence(dirname(inputs.picture), inputs, prove(inputs));

/** Why gates cannot be used: malformed, or below the page's floor. */
function gateFailures(gates: GateRequirements | undefined): pulumi.dynamic.CheckFailure[] {
  return (["kernel", "mesa"] as const).flatMap((key) => {
    const text = gates?.[key];
    if (text === undefined || text === UNKNOWN) return [];
    const reason = gateFault(text, PAGE_FLOORS[key]);
    return reason === undefined ? [] : [{ property: `gates.${key}`, reason }];
  });
}

async function pictureIntact(props: MirReadinessProps): Promise<boolean> {
  const bytes = await readFile(props.picture).catch(() => undefined);
  return (
    bytes !== undefined && createHash("sha256").update(bytes).digest("hex") === props.pictureSha256
  );
}

export const provider: pulumi.dynamic.ResourceProvider<MirReadinessInputs, MirReadinessProps> = {
  async check(_olds, news) {
    return { inputs: news, failures: gateFailures(news.gates) };
  },
  async create(inputs) {
    return { id: inputs.uuid, outs: await proveAndTell(inputs) };
  },
  /**
   * Asks the guest without changing anything. A guest that does not answer is told as `unreachable`
   * and not as an error: refresh comes before `up` can start it. It is never told as deleted.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const asked = await probe(props);
    if ("fault" in asked) {
      return { id, props: { ...props, status: "unreachable", reasons: [asked.fault] } };
    }
    const unmet = judge(asked.facts, props.gates).filter((v) => !isMet(v));
    const reasons = unmet.map(verdictText);
    if (!(await pictureIntact(props)))
      reasons.push(`picture: ${props.picture} is missing or was changed`);
    const report = reportFile(dirname(props.picture));
    if (!existsSync(report)) reasons.push(`report: ${report} is missing`);
    const status = reasons.length === 0 ? "ready" : "not ready";
    return { id, props: { ...props, facts: asked.facts, status, reasons } };
  },
  async diff(_id, olds, news) {
    const declared = !isDeepStrictEqual(pick(olds), pick(news));
    return { changes: declared || olds.status !== "ready" };
  },
  async update(_id, _olds, news) {
    return { outs: await proveAndTell(news) };
  },
  async delete(_id, props) {
    await removeEvidence(dirname(props.picture));
    await rm(props.picture, { force: true });
    await rmdir(dirname(join(props.picture))).catch(() => undefined);
  },
};

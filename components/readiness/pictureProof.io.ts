/** Proves that the screen shows the session and reacts to a key: takes a picture before and after. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { met, metIf, Outcome, skipped, unmet } from "../../core/verdict";
import { Acceleration, slowness } from "../../core/limits";
import { Picture, pictureFacts, pictureFault, readPicture, toPng } from "./picture";
import { virsh } from "../../core/virsh.io";
import { runInGuest, runOnHost } from "../../core/link.io";
import { HostTarget, SshTarget } from "../../core/target";

interface Screen {
  readonly host?: HostTarget;
  readonly domain: string;
  readonly acceleration: Acceleration;
  /** File of the picture on the machine that runs Pulumi. */
  readonly picture: string;
  /** Modes of the declared outputs, e.g. `1024x768`; unset: one output, in any mode. */
  readonly outputs?: readonly string[];
  readonly guest: SshTarget;
  /** The session draws for no screen: its picture is taken in the guest. @default a KMS platform */
  readonly platform?: "virtual";
}

/** The stored picture. */
interface Kept {
  /** SHA-256 of the file; empty when there is none. */
  readonly sha256: string;
  /** ISO 8601; empty when there is none. */
  readonly time: string;
}

export interface PictureProof extends Kept {
  readonly outcome: Outcome;
  /** Undefined: none could be taken. */
  readonly seen?: Picture;
}

/** A printable key: the default client counts it and does not show it as text. */
const KEY = "KEY_M";
/** Seconds in which a key has to change the picture. */
const KEY_S = { kvm: 5, tcg: 20 } as const;
/** Seconds that one call of virsh may take. An allowance, not a measurement. */
const CALL_S = 2;
/** Number of pictures within which the screen has to stop changing before a key is sent. */
const RESTS = 5;

const fileHash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** `output`: counted from 0, as libvirt counts the card's heads. */
async function shoot(screen: Screen, output = 0): Promise<Picture | string> {
  const { host, domain, guest, platform } = screen;
  const shot =
    platform === "virtual"
      ? await runInGuest(guest, "screencopy.sh", [])
      : await runOnHost(host, "screenshot.sh", [domain, ...(output === 0 ? [] : [String(output)])]);
  if (shot.code !== 0) return `no screenshot: ${shot.stderr.trim()}`;
  return readPicture(shot.stdout);
}

/** Stores the picture atomically. */
async function keep(file: string, picture: Picture): Promise<Kept> {
  const png = toPng(picture);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.partial`, png, { mode: 0o600 });
  await rename(`${file}.partial`, file);
  return { sha256: fileHash(png), time: new Date().toISOString() };
}

/** Takes the picture, stores it, and judges it. */
export async function provePicture(screen: Screen): Promise<PictureProof> {
  const picture = await shoot(screen);
  if (typeof picture === "string") return { outcome: unmet(picture), sha256: "", time: "" };
  const facts = pictureFacts(picture);
  const fault = pictureFault(facts);
  const size = `${facts.width}x${facts.height}, ${(facts.drawn * 100).toFixed(1)} % drawn`;
  const outcome = fault === undefined ? met(size) : unmet(fault);
  return { outcome, seen: picture, ...(await keep(screen.picture, picture)) };
}

/** File of an output's picture: `screen.png`, `screen-2.png` and so on. */
export const pictureOf = (file: string, output: number): string =>
  output === 0 ? file : file.replace(/(\.\w+)?$/, `-${output + 1}$1`);

/** Takes a picture of each further output, stores it, and compares each output's size with its mode. */
export async function proveOutputs(screen: Screen, first: Picture | undefined): Promise<Outcome> {
  const { outputs = [], picture } = screen;
  if (outputs.length === 0) return skipped("no output is declared");
  const sizes: string[] = [];
  for (const [i] of outputs.entries()) {
    const shot = i === 0 ? (first ?? "no picture") : await shoot(screen, i);
    if (typeof shot === "string") return unmet(`output ${i + 1}: ${shot}`);
    if (i > 0) await keep(pictureOf(picture, i), shot);
    const { width, height } = pictureFacts(shot);
    sizes.push(`${width}x${height}`);
  }
  return metIf(sizes.join() === outputs.join(), sizes.join(", "));
}

/** Whether the stored file still has the digest `kept`. */
export async function pictureIntact(file: string, kept: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined);
  return bytes !== undefined && fileHash(bytes) === kept;
}

const same = (a: Picture, b: Picture): boolean => pictureFacts(a).sha256 === pictureFacts(b).sha256;

/**
 * Sends a key to the default client and waits for a changed picture. The screen has to stop
 * changing first: a change that happens anyway proves nothing. Stores the changed picture instead.
 */
export async function proveKeyboard(
  screen: Screen,
  before: Picture,
  limitS: number = KEY_S[screen.acceleration],
): Promise<{ outcome: Outcome; kept?: Kept }> {
  let rest = before;
  for (let i = 0; ; i++) {
    const next = await shoot(screen);
    if (typeof next === "string") return { outcome: unmet(next) };
    if (same(rest, next)) break;
    rest = next;
    if (i === RESTS) return { outcome: unmet("a screen that changes by itself") };
  }
  const sent = performance.now();
  await virsh(screen.host, "send-key", screen.domain, "--codeset", "linux", KEY);
  // A host that is slow to answer virsh is as slow to draw.
  const waitS = limitS * slowness((performance.now() - sent) / 1000, CALL_S);
  const end = performance.now() + waitS * 1000;
  for (;;) {
    const next = await shoot(screen);
    if (typeof next === "string") return { outcome: unmet(next) };
    if (!same(rest, next)) {
      const fault = pictureFault(pictureFacts(next));
      if (fault !== undefined) return { outcome: unmet(`after the key: ${fault}`) };
      return {
        outcome: met("another picture after a key"),
        kept: await keep(screen.picture, next),
      };
    }
    if (performance.now() >= end) {
      return { outcome: unmet(`the same picture ${waitS.toFixed(0)} s after a key`) };
    }
  }
}

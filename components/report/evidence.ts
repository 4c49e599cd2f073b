/** What is left of a look at a guest, for a person or a program that comes later. Pure. */
import { isMet, countMet, Verdict } from "../../core/verdict";
import { Acceleration } from "../../core/limits";

/** A log of the guest, or why there is none. */
export type Log =
  | { readonly text: string; readonly whole: string }
  | { readonly missing: string; readonly whole: string };

export interface EvidencePicture {
  /** e.g. `Screen when the look ended`. */
  readonly title: string;
  /** ISO 8601. */
  readonly time: string;
  readonly png: Buffer;
  /** Its file, beside the report. */
  readonly file: string;
}

export interface Evidence {
  readonly stack: string;
  readonly guest: string;
  readonly domain: string;
  readonly ready: boolean;
  /** What ended the look apart from verdicts: no answer in time, a domain that stopped. */
  readonly fault?: string;
  /** When the look ended, ISO 8601. */
  readonly time: string;
  readonly acceleration: Acceleration;
  /** Empty when the guest could not be asked. */
  readonly verdicts: readonly Verdict[];
  /** e.g. `{ linux: "6.1.0", mesa: "22.3.6" }` */
  readonly versions: Readonly<Record<string, string>>;
  /** As the guest told them: data like JSON, of any shape. */
  readonly facts: unknown;
  readonly pictures: readonly EvidencePicture[];
  readonly sessionLog: Log;
  readonly serialLog: Log;
}

/** What fails the deploy. */
export const failing = (verdicts: readonly Verdict[]): Verdict[] =>
  verdicts.filter((v) => v.fatal && !isMet(v));

/** What is not met and does not fail it. */
export const warnings = (verdicts: readonly Verdict[]): Verdict[] =>
  verdicts.filter((v) => !v.fatal && !isMet(v));

/** e.g. `12 of 14 checks met`, as the deploy counts. */
export function count(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "no check was made";
  return `${countMet(verdicts)} checks met`;
}

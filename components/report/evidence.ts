/** The recorded result of a look at a guest, for the report and for programs. Pure. */
import { isMet, countMet, Verdict } from "../../core/verdict";
import { Acceleration } from "../../core/limits";

/** A log of the guest, or why it is missing; `whole`: where the complete log is. */
export type Log =
  | { readonly text: string; readonly whole: string }
  | { readonly missing: string; readonly whole: string };

export interface EvidencePicture {
  /** e.g. `Screen`. */
  readonly title: string;
  /** ISO 8601. */
  readonly time: string;
  readonly png: Buffer;
  /** The picture's file, beside the report. */
  readonly file: string;
}

export interface Evidence {
  readonly stack: string;
  readonly guest: string;
  readonly domain: string;
  readonly ready: boolean;
  /** What ended the look other than verdicts: a timeout, a stopped domain. */
  readonly fault?: string;
  /** When the look ended, ISO 8601. */
  readonly time: string;
  readonly acceleration: Acceleration;
  /** Empty when the guest did not answer. */
  readonly verdicts: readonly Verdict[];
  /** e.g. `{ linux: "6.1.0", mesa: "22.3.6" }` */
  readonly versions: Readonly<Record<string, string>>;
  /** As the guest reported them: JSON-like data of any shape. */
  readonly facts: unknown;
  readonly pictures: readonly EvidencePicture[];
  readonly sessionLog: Log;
  readonly serialLog: Log;
}

/** The verdicts that fail the deploy. */
export const failing = (verdicts: readonly Verdict[]): Verdict[] =>
  verdicts.filter((v) => v.fatal && !isMet(v));

/** Unmet verdicts that do not fail the deploy. */
export const warnings = (verdicts: readonly Verdict[]): Verdict[] =>
  verdicts.filter((v) => !v.fatal && !isMet(v));

/** e.g. `12 of 14 checks met`, counted as in the deploy's output. */
export function count(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return "no check ran";
  return `${countMet(verdicts)} checks met`;
}

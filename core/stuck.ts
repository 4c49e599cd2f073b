/** Thrown when a guest is in a state that waiting cannot change; names the check and its outcome. */
import { Outcome, Proofs } from "./verdict";

export class Stuck extends Error {
  constructor(
    readonly check: keyof Proofs,
    readonly outcome: Outcome,
    message: string,
  ) {
    super(message);
  }
}

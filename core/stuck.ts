/** A guest in a state in which waiting cannot help: what was found, by the check that it concerns. */
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

/** What ends a verb: a message for the person at the terminal, and an exit code. */
import { Fault, faultText } from "../core/fault";
import { EXIT } from "./exitCodes";

export class Refusal extends Error {
  constructor(
    fault: Fault | string,
    readonly code: number = EXIT.failed,
  ) {
    super(typeof fault === "string" ? fault : faultText(fault));
  }
}

/** The program below has said what is wrong: nothing is added. */
export class Ended extends Error {
  constructor(readonly code: number) {
    super(`ended with exit code ${code}`);
  }
}

/** For a gate whose question has no answer: rethrows with what it needs to be asked again. */
export const noAnswer =
  (what: string, need: string) =>
  (error: Error): never => {
    const found = `no answer (${error.message})`;
    const fix = "run 'npm run preview' to see it whole";
    throw new Refusal({ what, found, need, fix }, EXIT.couldNotTell);
  };

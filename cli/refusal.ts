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

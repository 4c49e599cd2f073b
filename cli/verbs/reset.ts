import { Command } from "commander";
import { converge, undoReset } from "../converge";
import { stackOf } from "../options";
import { selectStack } from "../stack";

interface ResetOptions {
  readonly yes?: boolean;
  readonly undo?: boolean;
}

const HELP = `
Makes a guest anew from the image that the configuration describes today: same name, keys, ports and share,
another disk. The verb says what the old disk holds, and asks. The old disk goes when the new guest is
ready; where it does not get ready, the guest is given its old disk back.

Examples:
  lab reset mir
  lab reset mir --yes       in CI: CI=true alone is no answer to this question
  lab reset mir --undo      after an interrupted reset`;

export const addReset = (lab: Command): Command =>
  lab
    .command("reset")
    .argument("<guest...>", "guests to make anew")
    .description("make guests anew from their image; their disks are lost")
    .option("-y, --yes", "ask nothing")
    .option("--undo", "give the guests back the disks that a reset has replaced")
    .addHelpText("after", HELP)
    .action(async (guests: string[], { yes, undo }: ResetOptions, command: Command) => {
      const stack = stackOf(command);
      if (undo !== true) return converge(stack, [], { yes, reset: guests });
      await selectStack(stack);
      return undoReset(stack, [], guests);
    });

import { Command } from "commander";
import { converge } from "../converge";
import { passesToPulumi, pulumiArgs, stackOf, YES } from "../options";

interface UpOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly reset?: string[];
  readonly remove?: string[];
}

const HELP = `
Checks the host, installs what it lacks, runs \`pulumi up\` with the policies, and prints how to reach each
guest. The verb asks before it installs packages, and Pulumi asks before it changes the lab.

A guest's disk is its user's: a changed image, recipe or package list is reported, and the disk stays. Only a
guest that is named gets a new disk (--reset) or goes with its disk (--remove).

Examples:
  lab up
  lab up --yes --target '**mir-session**'
  lab up --remove mir2`;

const collect = (guest: string, before: string[] = []): string[] => [...before, guest];

export const addUp = (lab: Command): Command =>
  passesToPulumi(lab.command("up"))
    .description("converge the stack, and print how to reach its guests")
    .option(...YES)
    .option(
      "--json",
      "print the stack's outputs as JSON on standard output, all else on standard error",
    )
    .option("--reset <guest>", "give this guest a new disk, as 'lab reset' does", collect)
    .option(
      "--remove <guest>",
      "delete this guest, which is no longer declared, with its disk",
      collect,
    )
    .addHelpText("after", HELP)
    .action((_args: string[], options: UpOptions, command: Command) =>
      converge(stackOf(command), pulumiArgs(command), options),
    );

import { Command } from "commander";
import { explained } from "../explain";
import { passesToPulumi, pulumiArgs, stackOf } from "../options";
import { policyArgs } from "../policyArgs";
import { engine, selectStack } from "../stack";

async function preview(stack: string, args: readonly string[]): Promise<void> {
  await selectStack(stack);
  await explained(stack, engine(["preview"], stack, { args: [...policyArgs(args), ...args] }));
}

const HELP = `
Runs \`pulumi preview\` with the policies. It changes nothing.

Examples:
  lab preview
  lab preview --diff`;

export const addPreview = (lab: Command): Command =>
  passesToPulumi(lab.command("preview"))
    .description("show what `up` would change, drift included")
    .addHelpText("after", HELP)
    .action((_args: string[], _options: object, command: Command) =>
      preview(stackOf(command), pulumiArgs(command)),
    );

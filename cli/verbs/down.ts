import { Command } from "commander";
import { run } from "../../core/exec.io";
import { hostOfFile, startLibvirtd } from "../host";
import { unlockDead } from "../locks";
import { passesToPulumi, pulumiArgs, stackOf, YES, yesArgs } from "../options";
import { cancel, engine, fileOf, selectStack } from "../stack";

async function down(
  stack: string,
  args: readonly string[],
  { yes }: { readonly yes?: boolean },
): Promise<void> {
  await selectStack(stack);
  const here = hostOfFile(fileOf(stack))?.ssh === undefined;
  if (here && (await run(["virsh", "--version"])).code === 0) await startLibvirtd();
  await unlockDead(stack, () => cancel(stack));
  // Not refreshed: a guest that is gone or silent must not keep the rest from being removed.
  await engine(["destroy", "--refresh=false"], stack, { args: [...yesArgs(args, yes), ...args] });
}

const HELP = `
Runs \`pulumi destroy\`. Host packages, caches and files in a share stay.

Example:
  lab down`;

export const addDown = (lab: Command): Command =>
  passesToPulumi(lab.command("down"))
    .description("remove what the lab created; host packages and your files stay")
    .option(...YES)
    .addHelpText("after", HELP)
    .action((_args: string[], options: { yes?: boolean }, command: Command) =>
      down(stackOf(command), pulumiArgs(command), options),
    );

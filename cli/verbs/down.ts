import { Command } from "commander";
import { run } from "../../core/exec.io";
import { diskLines } from "../disks";
import { hostOfFile, startLibvirtd, startLibvirtdAt } from "../host";
import { labInState } from "../labState";
import { unlockDead } from "../locks";
import { passesToPulumi, pulumiArgs, stackOf, YES, yesArgs } from "../options";
import { cancel, engine, fileOf, selectStack } from "../stack";
import { holdTicket } from "../sudo";
import { say } from "../terminal";

async function down(
  stack: string,
  args: readonly string[],
  { yes }: { readonly yes?: boolean },
): Promise<void> {
  await selectStack(stack);
  const host = hostOfFile(fileOf(stack));
  const here = host?.ssh === undefined;
  if (here) await holdTicket();
  if (here && (await run(["virsh", "--version"])).code === 0) await startLibvirtd();
  await unlockDead(stack, () => cancel(stack));
  const lab = await labInState(stack);
  if (!here && lab.name !== undefined) await startLibvirtdAt(host, lab.name);
  const lines = await diskLines(host, lab, [...lab.disks.keys()]);
  const stay = args.includes("--exclude-protected");
  if (lines.length > 0)
    say(stay ? "these disks stay:" : "these disks go with the lab; files in a share stay:");
  for (const line of lines) process.stderr.write(`  ${line}\n`);
  // Not refreshed: a guest that is gone or silent must not keep the rest from being removed. The disks
  // are protected from everything but this verb and a reset.
  const how = ["--refresh=false", ...(stay ? [] : ["--ignore-protect"])];
  await engine(["destroy", ...how], stack, { args: [...yesArgs(args, yes), ...args] });
}

const HELP = `
Tells which disks will be deleted and what they hold, and runs \`pulumi destroy\`, which asks. Host packages,
caches and files in a share stay.

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

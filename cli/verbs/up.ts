import { Command } from "commander";
import { briefText, exitCode } from "../doctorReport";
import { hostOfFile, installPackages, startLibvirtd } from "../host";
import { unlockDead } from "../locks";
import { passesToPulumi, pulumiArgs, stackOf, YES, yesArgs } from "../options";
import { policyArgs } from "../policyArgs";
import { Refusal } from "../refusal";
import { cancel, checkStack, engine, fileOf, outputsOf, selectStack } from "../stack";
import { summary } from "../summary";
import { runOrEnd } from "../terminal";

interface UpOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** What stands in the way stops the verb before anything is touched; what `up` sees to does not. */
async function assertHostCan(file: string, stack: string): Promise<void> {
  const { examine } = await import("../examine");
  const { findings } = await examine(file, stack).catch((error: Error) => {
    throw new Refusal(`doctor: ${error.message}`);
  });
  console.error(briefText(findings));
  if (exitCode(findings) === 0) return;
  throw new Refusal({
    what: stack,
    found: "the failures above",
    need: "a host that can carry the lab; nothing was touched",
    fix: "see 'npm run doctor'",
  });
}

async function up(stack: string, args: readonly string[], { yes, json }: UpOptions): Promise<void> {
  checkStack(stack);
  const file = fileOf(stack);
  await assertHostCan(file, stack);
  const host = hostOfFile(file);
  await installPackages(host, yes);
  const here = host?.ssh === undefined;
  if (here) await startLibvirtd();
  await selectStack(stack);
  await unlockDead(stack, () => cancel(stack));
  if (here && host !== undefined) {
    const pool = [`mirlab-${stack}`, `${host.dataDir}/${stack}/pool`];
    await runOrEnd(["scripts/host/heal.sh", "pool-define", ...pool], true);
  }
  const all = [...policyArgs(args), ...yesArgs(args, yes), ...args];
  await engine(["up"], stack, { args: all, toStderr: json === true });
  const outputs = await outputsOf(stack);
  if (json === true) console.log(JSON.stringify(outputs, null, 2));
  else process.stdout.write(`\n${summary(outputs)}`);
}

const HELP = `
Checks the host, installs what it lacks, runs \`pulumi up\` with the policies, and prints how to reach each
guest. The verb asks before it installs packages, and Pulumi asks before it changes the lab.

Examples:
  lab up
  lab up --yes --target '**mir-session**'`;

export const addUp = (lab: Command): Command =>
  passesToPulumi(lab.command("up"))
    .description("converge the stack, and print how to reach its guests")
    .option(...YES)
    .option(
      "--json",
      "print the stack's outputs as JSON on standard output, all else on standard error",
    )
    .addHelpText("after", HELP)
    .action((_args: string[], options: UpOptions, command: Command) =>
      up(stackOf(command), pulumiArgs(command), options),
    );

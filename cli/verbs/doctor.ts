import { Command } from "commander";
import { exitCode, reportOf, reportText } from "../doctorReport";
import { EXIT } from "../exitCodes";
import { checkStack, fileOf } from "../stack";
import { stackOf } from "../options";

const colours = (): boolean => process.stdout.isTTY && (process.env.NO_COLOR ?? "") === "";

interface DoctorOptions {
  readonly json?: boolean;
  readonly renew?: boolean;
}

async function doctor(stack: string, { json = false, renew }: DoctorOptions): Promise<void> {
  const print = (report: object): void => console.log(JSON.stringify(report, null, 2));
  try {
    const { examine } = await import("../examine");
    const { findings, host } = await examine(fileOf(stack), stack, renew);
    if (json) print(reportOf(findings, stack, host));
    else console.log(reportText(findings, colours()));
    process.exitCode = exitCode(findings);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (json) print({ version: 1, error: reason });
    else console.error(`doctor: ${reason}`);
    process.exitCode = EXIT.couldNotTell;
  }
}

const HELP = `
Checks the configuration, the host, KVM, QEMU, ports, folders, confinement and known weaknesses. It changes
nothing but the cache of KVM's proof. Exit code 0: no failure, 1: failures, 2: could not tell.

Examples:
  lab doctor
  lab doctor --json | jq '.findings[] | select(.severity == "fail")'`;

export const addDoctor = (lab: Command): Command =>
  lab
    .command("doctor")
    .description("check this machine and the host")
    .option("--json", "print the findings as JSON")
    .option("--renew", "try KVM again, whatever its last proof was")
    .addHelpText("after", HELP)
    .action(async (options: DoctorOptions, command: Command) => {
      const stack = stackOf(command);
      checkStack(stack);
      await doctor(stack, options);
    });

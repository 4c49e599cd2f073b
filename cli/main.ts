/** The command line of the lab: `bin/lab VERB`, `npm run VERB`. bin/lab has set up Node.js and the packages. */
import { join, resolve } from "node:path";
import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { shellWord } from "../core/quote";
import { EXIT } from "./exitCodes";
import { Ended, Refusal } from "./refusal";
import { handleSignals, say } from "./terminal";
import { addDoctor } from "./verbs/doctor";
import { addDown } from "./verbs/down";
import { addDrift } from "./verbs/drift";
import { addOutput } from "./verbs/output";
import { addPolicy } from "./verbs/policy";
import { addPreview } from "./verbs/preview";
import { addReset } from "./verbs/reset";
import { addUp } from "./verbs/up";

const ROOT = resolve(__dirname, "..");

/** The program with all its verbs. */
export function labProgram(): Command {
  const lab = new Command("lab")
    .description("Mir in a KVM guest, as a Pulumi program")
    .option(
      "-s, --stack <name>",
      "the stack, configured by Pulumi.<name>.yaml",
      process.env.MIRLAB_STACK ?? "dev",
    )
    .helpCommand("help [verb]", "show the help of a verb")
    .showHelpAfterError("'lab --help' lists the verbs")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "lab: ")) });
  for (const add of [
    addUp,
    addPreview,
    addDrift,
    addPolicy,
    addReset,
    addOutput,
    addDown,
    addDoctor,
  ])
    add(lab);
  const completion = tab(lab, { completionCommandName: "completion" });
  lab.commands
    .find((verb) => verb.name() === "completion")
    ?.description("print the completion script of a shell")
    .addHelpText(
      "after",
      "\nExamples:\n  source <(bin/lab completion bash)\n  bin/lab completion fish >~/.config/fish/completions/lab.fish",
    )
    .action((shell: string) => completion.setup("lab", shellWord(join(ROOT, "bin", "lab")), shell));
  return lab;
}

/** Runs the verb of the command line, and sets the exit code. */
export async function main(): Promise<void> {
  handleSignals();
  try {
    await labProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof Ended)) say(error instanceof Error ? error.message : String(error));
    process.exitCode =
      error instanceof Ended || error instanceof Refusal ? error.code : EXIT.failed;
  }
}

if (require.main === module) void main();

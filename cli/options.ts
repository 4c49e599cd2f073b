/** Options that several verbs share. */
import { Command } from "commander";
import { assumeYes } from "./terminal";

/** The stack that a verb is about: `--stack`, else `MIRLAB_STACK`, else dev. */
export const stackOf = (command: Command): string =>
  command.optsWithGlobals<{ stack: string }>().stack;

/** A verb that hands what it does not know to Pulumi, as it is. */
export const passesToPulumi = (verb: Command): Command =>
  verb.argument("[pulumi...]", "arguments and options for Pulumi").allowUnknownOption();

/** The verb's lines for Pulumi, in their order. */
export const pulumiArgs = (command: Command): string[] => command.args;

export const YES = ["-y, --yes", "ask nothing; so does CI=true"] as const;

/** For a verb of the engine that asks: `--yes` where nobody is to be asked. */
export const yesArgs = (args: readonly string[], yes: boolean | undefined): string[] =>
  assumeYes(yes) && !args.includes("--yes") ? ["--yes"] : [];

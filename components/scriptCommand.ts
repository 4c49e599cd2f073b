import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { scriptText, scriptWords } from "../io/link";
import { shellLine } from "../lib/quote";

/** How commands reach a machine: undefined is this one. */
export type Connection = pulumi.Input<command.types.input.remote.ConnectionArgs> | undefined;

export interface ScriptCommandArgs {
  /** File below scripts/, e.g. `host/packages.sh`. */
  readonly script: string;
  /** Arguments of create and update. */
  readonly args: pulumi.Input<string>[];
  /** Arguments of delete; nothing is run when unset. */
  readonly deleteArgs?: pulumi.Input<string>[];
  /** Run as root by sudo: guest scripts, whose login user has no rights of its own. @default false */
  readonly sudo?: boolean;
}

/**
 * Runs one of our scripts on a machine: the text by standard input, arguments as quoted words, so
 * that no value is ever spliced into a program. Standard output is the result, standard error the
 * progress.
 */
export function scriptCommand(
  name: string,
  connection: Connection,
  args: ScriptCommandArgs,
  opts: pulumi.CustomResourceOptions,
): command.local.Command | command.remote.Command {
  const line = (words: pulumi.Input<string>[]): pulumi.Output<string> =>
    pulumi.all(words).apply((w) => shellLine(scriptWords(w, args.sudo)));
  const text = scriptText(args.script);
  const common = {
    create: line(args.args),
    ...(args.deleteArgs === undefined ? {} : { delete: line(args.deleteArgs) }),
    // What ran before is no input of what runs now.
    addPreviousOutputInEnv: false,
    stdin: text,
  };
  return connection === undefined
    ? new command.local.Command(
        name,
        { ...common, interpreter: ["/bin/bash", "-c"], logging: "stderr" },
        opts,
      )
    : new command.remote.Command(name, { ...common, connection, logging: "stderr" }, opts);
}

/** A short content hash, for names and triggers. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

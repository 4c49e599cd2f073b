import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { scriptText, scriptWords, settingWords, targetArgv } from "./link.io";
import { shellLine } from "./quote";
import type { SshTarget } from "./target";

/** By OpenSSH, which alone goes through more than one host. */
export interface OpenSsh {
  readonly target: pulumi.Input<SshTarget>;
  readonly user: pulumi.Input<string>;
}

/** By @pulumi/command's own client, through one other host at the most. */
export type RemoteConnection = command.types.input.remote.ConnectionArgs;

/** How commands reach a machine; undefined: this machine. */
export type Connection = RemoteConnection | OpenSsh | undefined;

const isOpenSsh = (connection: Connection): connection is OpenSsh =>
  connection !== undefined && "target" in connection;

export interface ScriptCommandArgs {
  /** File below scripts/, e.g. `host/packages.sh`. */
  readonly script: string;
  /** Arguments of create and update. */
  readonly args: pulumi.Input<string>[];
  /** Arguments of delete; unset: delete runs nothing. */
  readonly deleteArgs?: pulumi.Input<string>[];
  /** Another list runs `create` again. An unset one, and one of the state, run nothing. */
  readonly triggers?: readonly string[];
  /** The script's environment. It is kept in the state. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Run as root (guest scripts): by sudo, unless the login user is root. @default false */
  readonly sudo?: boolean;
}

/**
 * Runs one of this project's scripts on a machine; values are quoted words, never spliced into a
 * program. Standard output is the result, standard error the progress.
 *
 * On this machine the command names the script's path, so that an edited comment in the script does
 * not change the resource. On another machine the script's text is sent on standard input.
 */
export function scriptCommand(
  name: string,
  connection: Connection,
  args: ScriptCommandArgs,
  opts: pulumi.CustomResourceOptions,
): command.local.Command | command.remote.Command {
  const start = pulumi
    .output(connection?.user)
    .apply((user) =>
      connection === undefined
        ? ["bash", `scripts/${args.script}`]
        : scriptWords([], args.sudo === true && user !== "root"),
    );
  const target = pulumi.output(isOpenSsh(connection) ? connection.target : undefined);
  const line = (words: pulumi.Input<string>[]): pulumi.Output<string> =>
    pulumi.all([start, pulumi.all(words), target]).apply(([s, w, t]) => {
      const all = [...settingWords(args.settings ?? {}), ...s, ...w];
      return shellLine(targetArgv(t, all));
    });
  const common = {
    create: line(args.args),
    ...(args.deleteArgs === undefined ? {} : { delete: line(args.deleteArgs) }),
    ...(args.triggers === undefined ? {} : { triggers: [...args.triggers] }),
    // Do not pass the previous run's output to this run.
    addPreviousOutputInEnv: false,
    logging: "stderr",
  } as const;
  const local = { ...common, interpreter: ["/bin/bash", "-c"] };
  if (connection === undefined) return new command.local.Command(name, local, opts);
  const stdin = scriptText(args.script);
  return isOpenSsh(connection)
    ? new command.local.Command(name, { ...local, stdin }, opts)
    : new command.remote.Command(name, { ...common, connection, stdin }, opts);
}

import * as pulumi from "@pulumi/pulumi";
import { GuestConfig } from "../../config/schema";
import { consoleOf, mirOptions } from "../../config/session";
import { Output, outputWords } from "../../config/video";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";

export interface MirSessionArgs {
  /** Pinned connection to the guest. */
  readonly connection: Connection;
  readonly session: GuestConfig["session"];
  readonly outputs: readonly Output[];
}

/**
 * The page's last line, "install & run unity8-desktop-session-mir": by default a Mir server on the
 * guest's screen with a client, or Lomiri, Unity 8's successor. Both run as mir-session.service.
 */
export class MirSession extends pulumi.ComponentResource {
  /** State of the session's units, one line. */
  readonly state: pulumi.Output<string>;

  constructor(name: string, args: MirSessionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:MirSession", name, {}, opts);
    const unit = scriptCommand(
      `${name}-unit`,
      args.connection,
      {
        sudo: true,
        script: "guest/session.sh",
        args: ["install", ...sessionArgs(args.session, args.outputs)],
      },
      { parent: this },
    );
    this.state = unit.stdout.apply((text) => text.trim());
    this.registerOutputs({ state: this.state });
  }
}

/** Arguments of `session.sh install`; the script has the defaults. */
export function sessionArgs(session: GuestConfig["session"], outputs: readonly Output[]): string[] {
  const { kind, command, client } = session;
  if (kind === "lomiri") return ["--lomiri"];
  const clientArgs = client?.flatMap((word) => ["--client", word]) ?? [];
  const options = command === undefined ? mirOptions(session) : [];
  return [
    ...(consoleOf(session) === "vt" ? [] : ["--console", "logind"]),
    ...outputWords(outputs).flatMap((word) => ["--output", word]),
    ...(kind === "miriway" ? ["--server", "miriway"] : []),
    ...options.flatMap((option) => ["--option", option]),
    ...(client?.length === 0 ? ["--no-client"] : clientArgs),
    ...(command === undefined ? [] : ["--", ...command]),
  ];
}

import * as pulumi from "@pulumi/pulumi";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";

/** Mount tag of the share's 9p device. */
export const SHARE_TAG = "share";

export interface SharedFolderArgs {
  /** Pinned connection to the guest. */
  readonly connection: Connection;
  /** Mount point in the guest. */
  readonly mount: string;
}

/** The guest's side of the page's 9p share: a mount unit, so that a reboot mounts the share again. */
export class SharedFolder extends pulumi.ComponentResource {
  /** Mount point in the guest, once mounted. */
  readonly mount: pulumi.Output<string>;

  constructor(name: string, args: SharedFolderArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:SharedFolder", name, {}, opts);
    const mounted = scriptCommand(
      `${name}-mount`,
      args.connection,
      { sudo: true, script: "guest/share.sh", args: ["mount", SHARE_TAG, args.mount] },
      { parent: this },
    );
    this.mount = mounted.stdout.apply(() => args.mount);
    this.registerOutputs({ mount: this.mount });
  }
}

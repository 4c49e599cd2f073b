import * as pulumi from "@pulumi/pulumi";
import { spiceUri } from "../lib/viewer";
import { GuestAccess } from "./guestAccess";

export interface ConsoleArgs {
  /** SPICE port on the lab host's loopback. */
  readonly port: pulumi.Input<number>;
  readonly access: GuestAccess;
}

/** The page's "SPICE client to provide a monitor to the guest". */
export class Console extends pulumi.ComponentResource {
  readonly spiceUri: pulumi.Output<string>;
  /** Path for `remote-viewer FILE`. */
  readonly viewerFile: pulumi.Output<string>;

  constructor(name: string, args: ConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:Console", name, {}, opts);
    this.spiceUri = pulumi.output(args.port).apply(spiceUri);
    this.viewerFile = args.access.viewerFile;
    this.registerOutputs({ spiceUri: this.spiceUri, viewerFile: this.viewerFile });
  }
}

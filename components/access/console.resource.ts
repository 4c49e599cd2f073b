import * as pulumi from "@pulumi/pulumi";
import { Screen, spiceUri } from "./viewer";
import { GuestAccess } from "./access.resource";

export interface ConsoleArgs {
  readonly screen: pulumi.Input<Screen>;
  readonly access: GuestAccess;
}

/** The page's "SPICE client to provide a monitor to the guest". */
export class Console extends pulumi.ComponentResource {
  readonly spiceUri: pulumi.Output<string>;
  /** Path for `remote-viewer FILE`. */
  readonly viewerFile: pulumi.Output<string>;

  constructor(name: string, args: ConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:Console", name, {}, opts);
    this.spiceUri = pulumi.output(args.screen).apply(spiceUri);
    this.viewerFile = args.access.viewerFile;
    this.registerOutputs({ spiceUri: this.spiceUri, viewerFile: this.viewerFile });
  }
}

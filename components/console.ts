import * as pulumi from "@pulumi/pulumi";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { spiceUri, viewerFile } from "../lib/viewer";

export interface ConsoleArgs {
  /** Title of the viewer's window. */
  readonly title: string;
  /** SPICE port on the lab host's loopback. */
  readonly port: pulumi.Input<number>;
  /** Where the viewer's connection file is written, on the machine that runs Pulumi. */
  readonly viewerFile: string;
}

/** The page's "SPICE client to provide a monitor to the guest". */
export class Console extends pulumi.ComponentResource {
  readonly spiceUri: pulumi.Output<string>;
  /** Path for `remote-viewer FILE`. */
  readonly viewerFile: pulumi.Output<string>;

  constructor(name: string, args: ConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:Console", name, args, opts);
    const port = pulumi.output(args.port);
    this.spiceUri = port.apply(spiceUri);
    this.viewerFile = port.apply((known) => {
      if (!pulumi.runtime.isDryRun()) {
        mkdirSync(dirname(args.viewerFile), { recursive: true, mode: 0o700 });
        writeFileSync(args.viewerFile, viewerFile(args.title, known), { mode: 0o600 });
      }
      return args.viewerFile;
    });
    this.registerOutputs({ spiceUri: this.spiceUri, viewerFile: this.viewerFile });
  }
}

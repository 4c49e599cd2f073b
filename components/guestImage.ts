import * as pulumi from "@pulumi/pulumi";
import { GuestConfig } from "../lib/labSchema";
import { Connection, scriptCommand } from "./scriptCommand";

type ImageConfig = Exclude<GuestConfig["image"], { source: "existing" }>;

export interface GuestImageArgs {
  readonly connection: Connection;
  /** Cache of the host; images lie in its `images` folder, named by content. */
  readonly cacheDir: string;
  readonly image: ImageConfig;
  /** Largest virtual size, GiB: that of the disk which is laid over the image. */
  readonly diskGiB: number;
}

/**
 * The page's "current Linux boot iso image": a disk that guests are overlays of, never written to.
 * Built from the signed Debian archive, or downloaded and verified. The cache is the host's: it is
 * left in place when the lab goes.
 */
export class GuestImage extends pulumi.ComponentResource {
  /** Path of the image on the host; its name is its content key. */
  readonly path: pulumi.Output<string>;
  /** `qcow2` or `raw`. */
  readonly format: pulumi.Output<string>;

  constructor(name: string, args: GuestImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:GuestImage", name, args, opts);
    const { image } = args;
    const dir = `${args.cacheDir}/images`;
    const made =
      image.source === "debian"
        ? {
            script: "host/image-build.sh",
            args: ["build", "--dir", dir, "--suite", image.suite, ...image.packages],
          }
        : {
            script: "host/image-fetch.sh",
            args: [dir, image.url, image.digest, String(args.diskGiB)],
          };
    const command = scriptCommand(`${name}-file`, args.connection, made, { parent: this });
    this.path = command.stdout.apply((text) => text.trim());
    this.format = this.path.apply((path) => (path.endsWith(".raw") ? "raw" : "qcow2"));
    this.registerOutputs({ path: this.path, format: this.format });
  }
}

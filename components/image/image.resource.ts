import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { urlImagePath } from "../../config/imageUrl";
import { GuestConfig } from "../../config/schema";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";

type ImageConfig = Exclude<GuestConfig["image"], { source: "existing" }>;

export interface GuestImageArgs {
  readonly connection: Connection;
  /** Cache folder of the host; its folder `images` holds the images, named by content. */
  readonly cacheDir: string;
  readonly image: ImageConfig;
  /** Largest virtual size, GiB: the size of the overlay. */
  readonly diskGiB: number;
}

/**
 * The page's "current Linux boot iso image": the read-only backing file of guests' root disks, built
 * from the signed Debian archive, or downloaded and verified. `down` leaves it in the host's cache.
 */
export class GuestImage extends pulumi.ComponentResource {
  /** Path of the image on the host; its name is its content key. */
  readonly path: pulumi.Output<string>;
  /** `qcow2` or `raw`. */
  readonly format: pulumi.Output<string>;

  constructor(name: string, args: GuestImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:GuestImage", name, {}, opts);
    const { image } = args;
    const file = imageFile(image, args.cacheDir, args.diskGiB);
    const command = scriptCommand(`${name}-file`, args.connection, file.command, { parent: this });
    // A preview knows the path before the script runs, and so shows whether the image changes. Users
    // of the path still wait for the script, as the output derives from its command.
    this.path = command.urn.apply(() => file.path);
    this.format = pulumi.output(image.source === "url" ? image.format : "qcow2");
    this.registerOutputs({ path: this.path, format: this.format });
  }
}

/** The image's path, and the script that puts it there. */
function imageFile(
  image: ImageConfig,
  cacheDir: string,
  diskGiB: number,
): { path: string; command: { script: string; args: string[] } } {
  const dir = `${cacheDir}/images`;
  const path = imagePath(image, cacheDir);
  if (image.source === "url") {
    const args = [dir, image.url, image.digest, image.format, String(diskGiB)];
    return { path, command: { script: "host/image-fetch.sh", args } };
  }
  const options = buildOptions(image);
  const key = contentKey(options);
  return {
    path,
    // The key is an argument so that a changed recipe is a changed command.
    command: {
      script: "host/image-build.sh",
      args: ["build", "--key", key, "--dir", dir, ...options],
    },
  };
}

type BuiltConfig = Extract<ImageConfig, { source: "debian" }>;

const buildOptions = (image: BuiltConfig): string[] => ["--suite", image.suite, ...image.packages];

const keys = new Map<string, string>();

/** The content key of recipe and packages, computed once for each list of options. */
function contentKey(options: readonly string[]): string {
  const words = options.join(" ");
  const script = "scripts/host/image-build.sh";
  const key =
    keys.get(words) ??
    execFileSync("bash", [script, "key", ...options], { encoding: "utf8" }).trim();
  keys.set(words, key);
  return key;
}

/** The image's path on the host, whether it exists yet or not. */
export function imagePath(image: ImageConfig, cacheDir: string): string {
  return image.source === "url"
    ? urlImagePath(image, cacheDir)
    : `${cacheDir}/images/${contentKey(buildOptions(image))}.qcow2`;
}

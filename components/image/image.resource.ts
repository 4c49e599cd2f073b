import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { urlImagePath } from "../../config/imageUrl";
import { GuestConfig } from "../../config/schema";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";

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
    super("mirlab:index:GuestImage", name, {}, opts);
    const { image } = args;
    const file = imageFile(image, args.cacheDir, args.diskGiB);
    const made = scriptCommand(`${name}-file`, args.connection, file.command, { parent: this });
    // Known before it is made, so that a preview tells whether the image changes; users of the
    // output still wait for the script, since the URN is that of its command.
    this.path = made.urn.apply(() => file.path);
    this.format = pulumi.output(image.source === "url" ? image.format : "qcow2");
    this.registerOutputs({ path: this.path, format: this.format });
  }
}

/** Where the image will lie, and the script that puts it there. */
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

/** What the image's recipe and packages are named by; asked once for each list. */
function contentKey(options: readonly string[]): string {
  const words = options.join(" ");
  const script = "scripts/host/image-build.sh";
  const key =
    keys.get(words) ??
    execFileSync("bash", [script, "key", ...options], { encoding: "utf8" }).trim();
  keys.set(words, key);
  return key;
}

/** Where the image lies on the host, or will lie. */
export function imagePath(image: ImageConfig, cacheDir: string): string {
  return image.source === "url"
    ? urlImagePath(image, cacheDir)
    : `${cacheDir}/images/${contentKey(buildOptions(image))}.qcow2`;
}

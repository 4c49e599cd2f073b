import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { urlImagePath } from "../../config/imageUrl";
import { withSessionPackages } from "../../config/session";
import { GuestConfig } from "../../config/schema";
import { Acceleration, DOMAIN_TYPE } from "../../core/limits";
import { Connection, scriptCommand } from "../../core/scriptCommand.resource";
import { aptEnvironment } from "../host/aptSettings";
import { sourceOptions } from "./archiveKeys.io";
import { BackingImage, RootDisk } from "./rootDisk";

export type ImageConfig = Exclude<GuestConfig["image"], { source: "existing" }>;

export interface GuestImageArgs {
  readonly connection: Connection;
  /** Cache folder of the host; its folder `images` holds the images, named by content. */
  readonly cacheDir: string;
  readonly image: ImageConfig;
  /** The way to Debian's archives (aptSettings.ts); unset: the host's own. */
  readonly apt?: string;
  /** Largest virtual size, GiB: the size of the overlay. */
  readonly diskGiB: number;
  readonly disk: RootDisk;
  /** What runs an installer. */
  readonly acceleration: pulumi.Input<Acceleration>;
}

/**
 * The page's "current Linux boot iso image": the read-only backing file of guests' root disks, built
 * from the signed Debian archive, or downloaded and verified. `down` leaves it in the host's cache.
 */
export class GuestImage extends pulumi.ComponentResource {
  /** The disk's backing file on the host; known before the script that puts it there has run. */
  readonly backing: pulumi.Output<BackingImage>;

  constructor(name: string, args: GuestImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mirlab:index:GuestImage", name, {}, opts);
    const command = scriptCommand(`${name}-file`, args.connection, imageScript(args), {
      parent: this,
      // A disk that stays has its image. Nothing is built or fetched that no disk stands on.
      ...(args.disk.kept ? { ignoreChanges: ["create", "stdin"] } : {}),
    });
    // Users of the path wait for the script, as the output derives from its command.
    this.backing = command.urn.apply(() => args.disk.image);
    this.registerOutputs({ path: args.disk.image.path, format: args.disk.image.format });
  }
}

/** The script that puts the image on the host. */
function imageScript(all: GuestImageArgs): {
  script: string;
  args: pulumi.Input<string>[];
  settings?: Readonly<Record<string, string>>;
} {
  const { image, cacheDir, diskGiB, apt, disk, acceleration } = all;
  // Runs only where the state does not know the disk. No image is built: no disk would stand on it.
  if (disk.outdated) return { script: "host/disks.sh", args: [disk.image.path] };
  const dir = `${cacheDir}/images`;
  if (image.source === "url") {
    const args = [dir, image.url, image.digest, image.format, String(diskGiB)];
    return { script: "host/image-fetch.sh", args };
  }
  const { script, options } = recipeOf(image);
  // The key is an argument so that a changed recipe is a changed command.
  const args = ["build", "--key", contentKey(image), "--dir", dir, ...options];
  const settings = aptEnvironment(apt);
  if ("suite" in image) return { script, args, settings };
  const accel = pulumi.output(acceleration).apply((found) => DOMAIN_TYPE[found]);
  const iso = image.url ?? image.file ?? "";
  return { script, args: [...args, "--iso", iso, "--accel", accel], settings };
}

/** An image that a script makes on the host. */
type MadeConfig = Exclude<ImageConfig, { source: "url" }>;

/** The script that makes an image, and its options that decide what is in it. */
function recipeOf(image: MadeConfig): { readonly script: string; readonly options: string[] } {
  if (image.source === "iso") {
    const options = ["--digest", image.digest, "--disk-gib", String(image.sizeGiB)];
    const byHand = image.unattended ? [] : ["--by-hand"];
    return { script: "host/image-install.sh", options: [...options, ...byHand] };
  }
  const options = ["--suite", image.suite, ...sourceOptions(image), ...image.packages];
  return { script: "host/image-build.sh", options };
}

const keys = new Map<string, string>();

/** The content key of a recipe, computed once for each script and list of options. */
function contentKey(image: MadeConfig): string {
  const { script, options } = recipeOf(image);
  const words = [script, ...options].join(" ");
  const argv = [`scripts/${script}`, "key", ...options];
  const key = keys.get(words) ?? execFileSync("bash", argv, { encoding: "utf8" }).trim();
  keys.set(words, key);
  return key;
}

/** A guest's image with the packages of its session. */
export function imageWanted({ session }: GuestConfig, image: ImageConfig): ImageConfig {
  if (!("suite" in image)) return image;
  return { ...image, packages: withSessionPackages(image.packages, session, image.suite) };
}

/** The image that a configuration asks for, whether it exists yet or not. */
export function backingImage(image: ImageConfig, cacheDir: string): BackingImage {
  if (image.source === "url") {
    const { format, digest } = image;
    return { path: urlImagePath(image, cacheDir), format, digest };
  }
  const path = `${cacheDir}/images/${contentKey(image)}.qcow2`;
  return { path, format: "qcow2" };
}

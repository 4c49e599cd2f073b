/** Reads a build's fragments and recipe on the machine that runs Pulumi. */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { KernelBuild, MesaBuild } from "../../config/buildSchema";
import { CARDS, VideoModel } from "../../config/video";
import { BuildOrder } from "./build";
import { GuestConfig } from "../../config/schema";
import { SoftwareConfig } from "./software";

/** Files of each recipe in scripts/build; host and guest get all of them. */
export const RECIPES: Readonly<Record<string, readonly string[]>> = {
  kernel: ["common.sh", "kernel.sh", "mir.config"],
  mesa: ["common.sh", "mesa.sh"],
};

/** Largest accepted fragment: three times Debian's whole kernel configuration. */
const MAX_BYTES = 1024 * 1024;

export function recipeFiles(kind: string): { name: string; data: string }[] {
  return (RECIPES[kind] ?? []).map((name) => ({
    name,
    data: readFileSync(join("scripts", "build", name), "utf8"),
  }));
}

export function recipeDigest(kind: string): string {
  const hash = createHash("sha256");
  for (const { name, data } of recipeFiles(kind)) hash.update(`${name}\n${data.length}\n${data}`);
  return hash.digest("hex");
}

function fragment(path: string, key: string): { name: string; text: string } {
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes, more than ${MAX_BYTES}`);
    return { name: path, text: readFileSync(path, "utf8") };
  } catch (error) {
    throw new Error(
      `${key}: found ${path}: ${(error as Error).message}; need a readable fragment; fix: correct the path`,
      { cause: error },
    );
  }
}

/** The lab's own configuration has the page's card alone. */
function cardFragment(model: VideoModel): { name: string; text: string }[] {
  if (model === "qxl") return [];
  return [{ name: `video.model-${model}`, text: `CONFIG_${CARDS[model].symbol}=y\n` }];
}

function kernelOrder(build: KernelBuild, key: string, model: VideoModel): BuildOrder {
  const { source, base, fragments, patches, jobs } = build;
  const own = fragments.map((path, i) => fragment(path, `${key}.fragments[${i}]`));
  return {
    ...{ kind: "kernel", source, base, patches },
    fragments: [...cardFragment(model), ...own],
    ...(jobs === undefined ? {} : { jobs }),
    recipe: recipeDigest("kernel"),
  };
}

/** The configured kernel, with the content of its build's files. */
export function kernelConfig({ name, kernel, video }: GuestConfig): SoftwareConfig {
  const { build, ...rest } = kernel;
  if (build === undefined) return rest;
  return { ...rest, build: kernelOrder(build, `${name}: kernel.build`, video.model) };
}

function mesaOrder({ source, renderer, patches, jobs }: MesaBuild, libraries: string): BuildOrder {
  return {
    ...{ kind: "mesa", source, base: renderer, libraries, fragments: [], patches },
    ...(jobs === undefined ? {} : { jobs }),
    recipe: recipeDigest("mesa"),
  };
}

/** A cloud image does not say which suite it is of. */
const CLOUD_IMAGE_SUITE = "bookworm";

/** The configured Mesa. */
export function mesaConfig({ image, mesa }: GuestConfig): SoftwareConfig {
  const { build, ...rest } = mesa;
  if (build === undefined) return rest;
  return {
    ...rest,
    build: mesaOrder(build, build.suite ?? ("suite" in image ? image.suite : CLOUD_IMAGE_SUITE)),
  };
}

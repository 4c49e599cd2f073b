/**
 * Schema of `guests[].kernel.build`, `guests[].mesa.build` and `host.buildCache`. Rules that span
 * keys are in softwareRules.ts.
 */
import { z } from "zod";
import { downloadUrl, localFile, sha256, suite } from "./schemaTypes";
import { suitesOf } from "./suites";

const sourceOf = (name: z.ZodType<string>, what: string, example: string) =>
  z.strictObject({
    package: name.optional().describe(`${what}; apt verifies it.`),
    suite: suite
      .optional()
      .describe(`Suite of that package on the host's mirror, e.g. '${example}'.`),
    url: downloadUrl(1024)
      .optional()
      .describe("URL of a source tar, which the host downloads; plain http only on loopback."),
    sha256: sha256.optional().describe("SHA-256 of the tar; another file is refused."),
    git: z
      .string()
      .max(1024)
      .regex(
        /^(https:\/\/[A-Za-z0-9.-]+(:\d{1,5})?)?(\/[A-Za-z0-9._@+~-]+)+$/,
        "use an https URL, or an absolute path on the lab host",
      )
      .refine((place) => !/\/\.{1,2}(\/|$)/.test(place), "use a path without '.' and '..'")
      .optional()
      .describe("A git repository: https URL, or absolute path on the lab host."),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, "use a commit's 40 hex digits")
      .optional()
      .describe("Commit of that repository."),
  });

const source = sourceOf(
  z
    .string()
    .regex(/^linux-source-\d{1,2}\.\d{1,3}$/, "use a package of sources, e.g. 'linux-source-6.12'"),
  "Debian's package of sources",
  "bookworm-security",
);

const mesaSource = sourceOf(z.literal("mesa"), "Debian's source package mesa", "bookworm");

const patch = z.strictObject({
  file: localFile.describe("Patch for `patch -p1`, on the machine that runs Pulumi."),
  sha256: sha256.describe("SHA-256 of the patch; another file is refused."),
});

/** The keys that kernel and Mesa builds share. */
const buildParts = <Source extends z.ZodType>(from: Source) => ({
  source: from.describe("The source: exactly one of package, url and git."),
  patches: z.array(patch).max(50).default([]).describe("Patches, applied in this order."),
  jobs: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("Parallel compiler processes in the guest; unset: as many as vcpus."),
});

export const kernelBuild = z.strictObject({
  ...buildParts(source),
  base: z
    .enum(["tiny", "running", "defconfig"])
    .default("tiny")
    .describe(
      "Base configuration under the lab's own symbols: nothing (tiny), that of the guest's own kernel with its loaded modules (running), or Linux' default (defconfig).",
    ),
  fragments: z
    .array(localFile)
    .max(20)
    .default([])
    .describe(
      "Files of lines CONFIG_X=VALUE on the machine that runs Pulumi; a later file wins, and the final configuration has to contain each symbol.",
    ),
});

export const mesaBuild = z.strictObject({
  ...buildParts(mesaSource),
  suite: z
    .enum(suitesOf("debian"))
    .optional()
    .describe(
      "Suite whose libraries Mesa is linked with, the guest's; unset: image.suite, or bookworm for a cloud image.",
    ),
  renderer: z
    .enum(["softpipe", "llvmpipe"])
    .default("softpipe")
    .describe(
      "Software renderer: softpipe needs no other library; llvmpipe is faster but needs LLVM.",
    ),
});

export const buildCache = z
  .strictObject({
    sizeGiB: z
      .int()
      .min(4)
      .max(1000)
      .default(10)
      .describe("Host space for sources, build roots and results of builds in guests, GiB."),
    warm: z
      .enum(["auto", "always", "never"])
      .default("auto")
      .describe(
        "Also compile natively (confined) on the host, so that the guest's compiler finds cached results; auto: if the guest runs without KVM, or distcc is set.",
      ),
    distcc: z
      .array(
        z.strictObject({
          port: z
            .int()
            .min(1)
            .max(65535)
            .default(3632)
            .describe("Port of a distccd on the lab host's loopback."),
          jobs: z.int().min(1).max(256).describe("Parallel compiler processes on that distccd."),
        }),
      )
      .max(8)
      .default([])
      .describe("Other machines that compile for the host, each through a tunnel to its distccd."),
  })
  .prefault({});

export type BuildCache = z.output<typeof buildCache>;
export type BuildSource = z.output<typeof source>;
export type KernelBuild = z.output<typeof kernelBuild>;
export type MesaBuild = z.output<typeof mesaBuild>;

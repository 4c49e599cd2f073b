/** `guests[].kernel.build` and `guests[].mesa.build`: what is compiled in a guest, as data. Rules that span keys are in guestBuild.ts. */
import { z } from "zod";
import { absolutePath, downloadUrl, sha256, suite } from "./schemaTypes";

const sourceOf = (name: z.ZodType<string>, what: string, example: string) =>
  z.strictObject({
    package: name.optional().describe(`${what}; apt verifies it.`),
    suite: suite
      .optional()
      .describe(`Suite of that package on the host's mirror, e.g. '${example}'.`),
    url: downloadUrl(1024)
      .optional()
      .describe("A tar of the source, downloaded by the host. Plain http only on loopback."),
    sha256: sha256.optional().describe("SHA-256 of what the URL gives; another file is refused."),
    git: z
      .string()
      .max(1024)
      .regex(
        /^(https:\/\/[A-Za-z0-9.-]+(:\d{1,5})?)?(\/[A-Za-z0-9._@+~-]+)+$/,
        "use an https URL, or an absolute path on the lab host",
      )
      .refine((place) => !/\/\.{1,2}(\/|$)/.test(place), "must not contain '.' or '..' as a folder")
      .optional()
      .describe("A git repository: https URL, or absolute path on the lab host."),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40}$/, "use a commit's 40 hex digits")
      .optional()
      .describe("The commit of that repository."),
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
  file: absolutePath.describe("Patch for `patch -p1`, on the machine that runs Pulumi."),
  sha256: sha256.describe("SHA-256 of the patch; another file is refused."),
});

/** What every build has, whatever it makes. */
const buildParts = <Source extends z.ZodType>(from: Source) => ({
  source: from.describe("Where the source comes from: one of package, url and git."),
  patches: z.array(patch).max(50).default([]).describe("Applied in this order."),
  jobs: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("Compilers at a time in the guest; unset: as many as vcpus."),
});

export const kernelBuild = z.strictObject({
  ...buildParts(source),
  base: z
    .enum(["tiny", "running", "defconfig"])
    .default("tiny")
    .describe(
      "Configuration below the lab's own symbols: nothing else, that of the guest's own kernel with the modules that it had loaded, or what Linux has by default.",
    ),
  fragments: z
    .array(absolutePath)
    .max(20)
    .default([])
    .describe(
      "Files of lines CONFIG_X=VALUE on the machine that runs Pulumi; a later one wins. Each symbol has to be set in the end.",
    ),
});

export const mesaBuild = z.strictObject({
  ...buildParts(mesaSource),
  renderer: z
    .enum(["softpipe", "llvmpipe"])
    .default("softpipe")
    .describe("What draws: softpipe needs nothing else; llvmpipe is faster, and needs LLVM."),
});

export const buildCache = z
  .strictObject({
    sizeGiB: z
      .int()
      .min(4)
      .max(1000)
      .default(10)
      .describe("Sources, build roots and results that builds in guests keep on the host, GiB."),
    warm: z
      .enum(["auto", "always", "never"])
      .default("auto")
      .describe(
        "Compile natively on the host too, confined, so that the guest's compiler finds the results: auto where the guest runs without KVM, or distcc helps.",
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
          jobs: z.int().min(1).max(256).describe("Compilers at a time that it may be asked for."),
        }),
      )
      .max(8)
      .default([])
      .describe("Other machines that help the host compile, each by a tunnel to its distccd."),
  })
  .prefault({});

export type BuildCache = z.output<typeof buildCache>;
export type BuildSource = z.output<typeof source>;
export type KernelBuild = z.output<typeof kernelBuild>;
export type MesaBuild = z.output<typeof mesaBuild>;

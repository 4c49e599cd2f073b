/**
 * The lab's configuration as data: every key with its type, range, default and meaning.
 *
 * The configuration reference is generated from the descriptions, so write them for the person who
 * edits `Pulumi.<stack>.yaml`. Rules that span several keys are in `lab.ts`.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { kernelBuild, mesaBuild } from "./buildSchema";
import { gateFault, PAGE_FLOORS } from "../core/requirement";
import { host } from "./hostSchema";
import { image } from "./imageSchema";
import { NAME } from "./names";
import { folderPath, localFile, mountPoint, sha256, suite } from "./schemaTypes";
import { sharePathFault } from "./sharePath";
import { QXL_SIZES, VIDEO_MODELS } from "./video";

const NAME_RULE = "use lower-case letters, digits and inner hyphens, 1 to 32 characters";

/** A literal argument: unit files and argv cannot carry NUL and line ends. */
const argument = z
  .string()
  .max(4096)
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  .regex(/^[^\u0000-\u001f\u007f]*$/, "use text without control characters")
  .refine((text) => text.isWellFormed(), "use valid Unicode text");

const port = z.int().min(1024).max(65535);

/**
 * Longest command, bytes of all its words. The guest's shell gets server and client in one argument, which has
 * less than 131072 bytes (MAX_ARG_STRLEN of Linux); a quotation mark takes four in it.
 */
const COMMAND_BYTES = 16_000;

const isShort = (words: readonly string[]): boolean =>
  words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0) <= COMMAND_BYTES;

const command = (least: number) =>
  z
    .array(argument)
    .min(least)
    .max(64)
    .refine(isShort, `use a command of at most ${COMMAND_BYTES} bytes`);

/** A version requirement that is not below the page's floor. */
const gate = (key: keyof typeof PAGE_FLOORS) =>
  z
    .string()
    .max(64)
    .superRefine((text, ctx) => {
      const fault = gateFault(text, PAGE_FLOORS[key]);
      if (fault !== undefined) ctx.addIssue({ code: "custom", message: fault });
    });

/** Keys of a package; the kernel, which is one package of a suite, has a `name` too. */
const suitePackage = (example: string) => ({
  suite: suite.optional().describe("Suite on the guest's Debian mirror; apt verifies it."),
  deb: localFile
    .optional()
    .describe(`Package file of ${example}, on the machine that runs Pulumi.`),
  sha256: sha256.optional().describe("SHA-256 of the package file; another file is refused."),
});

const kernelPackage = z.strictObject({
  ...suitePackage("a kernel"),
  name: z
    .string()
    .regex(/^linux-image-[a-z0-9][a-z0-9.+-]{0,80}$/, "use a package 'linux-image-...'")
    .optional()
    .describe("Name of the package in the suite; unset: linux-image-amd64."),
});

/** Keys that choose the source of the guest's kernel or Mesa. */
const software = <Package extends z.ZodType, Build extends z.ZodType>(
  what: string,
  key: string,
  packages: Package,
  build: Build,
) =>
  z.strictObject({
    source: z
      .enum(["distro", "package", "build"])
      .default("distro")
      .describe(`Source of the guest's ${what} (docs/builds.md).`),
    when: z
      .enum(["unmet", "always", "never"])
      .default("unmet")
      .describe(
        `unmet: use the source while the distribution's ${what} does not meet gates.${key}; always: use it anyway; never: do not change the guest's ${what}.`,
      ),
    package: packages
      .optional()
      .describe("For source package: a suite on the guest's mirror, or a package file."),
    build: build
      .optional()
      .describe("For source build: what to compile in the guest (docs/builds.md)."),
  });

/** libvirt rounds other sizes of QXL up, or refuses them (qemu_domain.c), long after this. */
const videoKiB = (least: number, most: number) =>
  z
    .int()
    .min(least, { abort: true })
    .max(most, { abort: true })
    .refine((size) => Number.isInteger(Math.log2(size)), {
      error: ({ input }) =>
        `use a power of two, as libvirt does: ${2 ** Math.ceil(Math.log2(Number(input)))}`,
    });

const pixels = (least: number) => z.int().min(least).max(8192);

const place = z.int().min(0).max(32767);

const output = z.strictObject({
  width: pixels(640).describe("Width of the mode, pixels."),
  height: pixels(480).describe("Height of the mode, pixels; the card has to have the mode."),
  scale: z
    .number()
    .min(0.5, { abort: true })
    .max(4, { abort: true })
    .refine((scale) => Number.isInteger(scale * 4), "use a multiple of 0.25")
    .default(1)
    .describe("Mir's scale of it."),
  x: place
    .optional()
    .describe("Its left edge, logical pixels; unset: right of the output before it."),
  y: place.default(0).describe("Its upper edge, logical pixels."),
});

const guest = z.strictObject({
  name: z.string().regex(NAME, NAME_RULE).describe("Name of the guest."),
  image: image.prefault({ source: "debian" }),
  vcpus: z.int().min(1).max(64).default(2).describe("Virtual CPUs."),
  memoryMiB: z.int().min(768).max(1048576).default(2048).describe("Guest memory, MiB."),
  diskGiB: z
    .int()
    .min(8)
    .max(4096)
    .default(12)
    .describe(
      "Virtual size of the root disk, GiB; a larger value also grows an existing disk and its file system, a smaller one is refused.",
    ),
  autostart: z
    .boolean()
    .default(false)
    .describe("true: libvirt starts the guest with the host; false: only `up` starts it."),
  acceleration: z
    .enum(["auto", "kvm", "tcg"])
    .default("auto")
    .describe("auto: KVM if a probe guest boots with it, else TCG, which is slow and is reported."),
  video: z
    .strictObject({
      model: z
        .enum(VIDEO_MODELS)
        .default("qxl")
        .describe(
          "qxl is the page's. virtio has no 3D here. bochs shows neither the boot loader nor a hardware cursor. The policy qxl-video refuses virtio and bochs until its otherModels gives the reason.",
        ),
      ramKiB: videoKiB(16384, 1048576)
        .default(QXL_SIZES.ramKiB)
        .describe("QXL primary memory, KiB; a power of two."),
      vramKiB: videoKiB(8192, 1048576)
        .default(QXL_SIZES.vramKiB)
        .describe("QXL surface memory, KiB; a power of two."),
      vgamemKiB: videoKiB(8192, 262144)
        .default(QXL_SIZES.vgamemKiB)
        .describe(
          "QXL frame buffer, KiB, a power of two: at least width x height x 4 / 1024 of the largest mode.",
        ),
      outputs: z
        .array(output)
        .max(4)
        .default([])
        .describe(
          "The card's outputs, each connected; `lab output` unplugs one. []: one, in the mode that Mir chooses. More than one: model virtio.",
        ),
    })
    .prefault({}),
  spice: z
    .strictObject({
      port: port.optional().describe("SPICE port; unset: the lab chooses a free one and keeps it."),
      listen: z
        .string()
        .refine(
          (text) => isIP(text) !== 0 && !text.includes("%"),
          "use an address of the host, e.g. '127.0.0.1'",
        )
        .default("127.0.0.1")
        .describe("Host address on which SPICE listens; outside loopback only with tls."),
      tls: z
        .boolean()
        .default(false)
        .describe(
          "Accept only TLS, with a certificate of the guest's own authority, which console.vv contains.",
        ),
      clipboard: z.boolean().default(false).describe("Share the clipboard with the viewer."),
      fileTransfer: z.boolean().default(false).describe("Let the viewer send files to the guest."),
    })
    .prefault({}),
  network: z
    .strictObject({
      outbound: z
        .boolean()
        .default(true)
        .describe(
          "true: with mode user the guest reaches everything that the host reaches, including the host's loopback; false: it reaches nothing, and only SSH reaches it.",
        ),
      mode: z
        .enum(["user", "nat"])
        .default("user")
        .describe(
          "user: no network on the host, SSH through a loopback port; nat: a libvirt network.",
        ),
      sshPort: port
        .optional()
        .describe(
          "Loopback port forwarded to the guest's sshd; unset: the lab chooses a free one and keeps it.",
        ),
    })
    .prefault({}),
  share: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Share a host folder with the guest by 9p."),
      path: folderPath
        .superRefine((path, ctx) => {
          const fault = sharePathFault(path);
          if (fault !== undefined) ctx.addIssue({ code: "custom", message: fault });
        })
        .optional()
        .describe("Existing folder on the host; unset: the lab creates one under host.dataDir."),
      mount: mountPoint.default("/mnt/share").describe("Mount point in the guest."),
      readonly: z.boolean().default(false).describe("The guest may only read the folder."),
    })
    .prefault({}),
  session: z
    .strictObject({
      kind: z
        .enum(["demo", "miriway", "lomiri", "command"])
        .default("demo")
        .describe(
          "demo: a Mir server (by default mir_demo_server) and a client; miriway: the shell of package miriway and a client; lomiri: the Lomiri desktop (docs/lomiri.md); command: the server that session.command names.",
        ),
      platform: z
        .enum(["auto", "gbm-kms", "atomic-kms", "virtual"])
        .default("gbm-kms")
        .describe(
          "For kinds demo and miriway: Mir's display platform; auto: as Mir chooses; virtual: an output that no screen shows, whose picture is taken in the guest.",
        ),
      console: z
        .enum(["vt", "logind"])
        .optional()
        .describe(
          "Not for kind lomiri: vt: root's server on the first virtual terminal; logind: a server of the account mir in a session of logind; unset: logind for miriway, else vt.",
        ),
      rendering: z
        .enum(["auto", "egl-generic", "gbm-kms"])
        .default("auto")
        .describe("For kinds demo and miriway: Mir's rendering platform; auto: as Mir chooses."),
      cursor: z
        .enum(["hardware", "software"])
        .default("hardware")
        .describe(
          "For kinds demo and miriway: hardware: the viewer draws the pointer, and no screenshot has it; software: Mir draws it into the picture.",
        ),
      command: command(1)
        .optional()
        .describe(
          "For kinds demo and command: the Mir server and its arguments; unset: mir_demo_server on gbm-kms.",
        ),
      client: command(0)
        .optional()
        .describe(
          "Not for kind lomiri: a client and its arguments, which has to show a window; []: no client; unset: a window that shows the versions, but none beside session.command.",
        ),
    })
    .prefault({}),
  kernel: software("kernel", "kernel", kernelPackage, kernelBuild).prefault({}),
  mesa: software("Mesa", "mesa", z.strictObject(suitePackage("a Mesa")), mesaBuild).prefault({}),
  onDrift: z
    .enum(["heal", "restart-at-next-boot", "report"])
    .default("heal")
    .describe(
      "What `up` does about drift of domain and guest: heal repairs it, with a clean power cycle if needed; restart-at-next-boot repairs it without a power cycle; report only reports it.",
    ),
  gates: z
    .strictObject({
      kernel: gate("kernel")
        .default(">= 3.18")
        .describe("Required version of the running kernel; not below the page's 3.18."),
      mesa: gate("mesa")
        .default(">= 10.3.0")
        .describe("Required version of the Mesa in use; not below the page's 10.3.0."),
    })
    .prefault({}),
});

const labOf = <Guest extends z.ZodType>(guest: Guest) =>
  z.strictObject({
    host: host.prefault({}),
    guests: z.array(guest).min(1, "use at least one guest").max(64),
  });

/** The whole configuration: one host, and the guests on it. */
export const labSchema = labOf(guest);

/** The same with guests of any form: config/lab.ts validates each with `guestSchema`. */
export const outerSchema = labOf(z.unknown());
export const guestSchema = guest;

export type Lab = z.output<typeof labSchema>;
export type HostConfig = Lab["host"];
export type GuestConfig = Lab["guests"][number];
export type SshConfig = NonNullable<HostConfig["ssh"]>;

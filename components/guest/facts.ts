/** Validates the output of scripts/guest/facts.py: the guest is not trusted. Pure. */
import { z } from "zod";
import { readAnswer } from "./answer";

/** Removes control characters: a terminal shows the text later. */
const text = z
  .string()
  .max(500)
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced here
  .transform((raw) => raw.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " "));

const count = z.int().min(0).max(1_000_000);
const seconds = z.number().min(0).max(1e10);
const list = z.array(text).max(256);

/** Result of one of Mir's own tests: its exit code and its last line. */
const testResult = z.object({ code: z.int().min(-1).max(255), said: text });

/** Version 2 of the facts; a fact that the guest could not read is null and has a line in `errors`. */
const factsSchema = z.object({
  version: z.literal(2),
  bootId: text.nullable(),
  kernel: z
    .object({
      running: text,
      newestInstalled: text.nullable(),
      /** `y`, `m` or `n`; null: the running kernel has no configuration file. */
      config: z.object({ DRM_QXL: text, NET_9P_VIRTIO: text }).nullable(),
    })
    .nullable(),
  /** Unset by scripts of the version before. */
  avx: z.boolean().nullable().default(null),
  packages: z.record(z.string().max(100), text.nullable()).nullable(),
  /** File names of Mir's platform modules, e.g. `graphics-gbm-kms.so.20`. */
  platforms: list.nullable(),
  drm: z
    .array(
      z.object({
        name: text,
        driver: text.nullable(),
        pciId: text.nullable(),
        primeImport: z.boolean(),
        primeExport: z.boolean(),
        crtcs: count,
        connectors: z.array(z.object({ name: text, status: text, modes: count })).max(64),
      }),
    )
    .max(64)
    .nullable(),
  egl: z.object({ driver: text.nullable(), renderer: text, glesVersion: text }).nullable(),
  session: z
    .object({
      loadState: text,
      activeState: text,
      /** systemd has queued its start, e.g. during the boot. */
      queued: z.boolean(),
      restarts: count,
      result: text,
      activeSeconds: seconds.nullable(),
      client: z.enum(["none", "default", "configured"]),
      clientState: text,
      libraries: list,
    })
    .nullable(),
  wayland: z.object({ socket: text, globals: list, windows: list.nullable() }).nullable(),
  /** Signs of a frozen display; unset by scripts of the version before. */
  signs: list.nullable().default(null),
  /** Unset by scripts of the version before. */
  displayManager: text.nullable().default(null),
  mirLog: z
    .object({
      displayDriver: text.nullable(),
      /** Unset by scripts of the version before. */
      cursor: z.enum(["hardware", "software"]).nullable().default(null),
    })
    .nullable(),
  /** Null: they were not run. `fresh`: they tested the software that is installed now. */
  tests: z
    .object({
      fresh: z.boolean(),
      harness: testResult.optional(),
      smoke: testResult.optional(),
      compositor: testResult.optional(),
    })
    .nullable(),
  share: z
    .array(z.object({ dir: text, tag: text, options: text }))
    .max(64)
    .nullable(),
  cloudInit: z
    .object({ status: z.enum(["absent", "running", "done", "error"]), errors: list })
    .nullable(),
  errors: z.array(z.object({ fact: text, message: text })).max(64),
});

type Answer = z.output<typeof factsSchema>;

/** Facts that the guest reported; null: the guest could not read the fact. */
export interface GuestFacts {
  /** Release of the running kernel, e.g. `6.1.0-56-amd64`. */
  readonly kernel: string | null;
  readonly newestKernel: string | null;
  readonly kernelConfig: { readonly DRM_QXL: string; readonly NET_9P_VIRTIO: string } | null;
  /** The CPU has AVX, which llvmpipe then uses. */
  readonly avx: boolean | null;
  /** Mesa of a GLES context, e.g. `22.3.6`. */
  readonly mesa: string | null;
  /** Version of the package mir-test-tools. */
  readonly mir: string | null;
  readonly mirPlatforms: Answer["platforms"];
  readonly cards: Answer["drm"];
  /** Driver bound to the first DRM card, e.g. `qxl`. */
  readonly drmDriver: string | null;
  /** Renderer of a GLES context in the guest, e.g. `llvmpipe (LLVM 15.0.6, 128 bits)`. */
  readonly renderer: string | null;
  /** Mesa's driver behind it, e.g. `kms_swrast`. */
  readonly mesaDriver: string | null;
  /** e.g. `OpenGL ES 3.2 Mesa 22.3.6` */
  readonly gles: string | null;
  /** Display platform in the Mir log, e.g. `mir:gbm-kms`. */
  readonly mirPlatform: string | null;
  /** Who draws the pointer, by the Mir log: a plane of the card, or Mir. */
  readonly cursor: "hardware" | "software" | null;
  /** systemd state of the session unit, e.g. `active`. */
  readonly session: string | null;
  readonly unit: Omit<NonNullable<Answer["session"]>, "activeSeconds" | "activeState"> | null;
  /** Unit of a running display manager, which holds the screen, e.g. `gdm.service`. */
  readonly displayManager: string | null;
  /** Signs of a frozen display: errors of its driver since the boot, threads that do not come back. */
  readonly signs: readonly string[] | null;
  readonly wayland: Answer["wayland"];
  readonly tests: Answer["tests"];
  readonly mounts: Answer["share"];
  readonly cloudInit: Answer["cloudInit"];
  /** Changes with every boot. */
  readonly bootId: string | null;
  /** Why a fact could not be read, by fact. */
  readonly errors: Readonly<Record<string, string>>;
}

/** One look at a guest: facts that the state keeps, and values that change with every look. */
export interface GuestLook {
  readonly facts: GuestFacts;
  /** Seconds since the server serves clients; null when the session is not active, or has no server. */
  readonly sessionSeconds: number | null;
}

/** The facts for the checks. Throws when the answer does not have the script's form. */
export function readFacts(answer: string): GuestLook {
  const reported = readAnswer("facts", factsSchema, answer);
  const { activeSeconds = null, activeState = null, ...unit } = reported.session ?? {};
  return {
    facts: {
      kernel: reported.kernel?.running ?? null,
      newestKernel: reported.kernel?.newestInstalled ?? null,
      kernelConfig: reported.kernel?.config ?? null,
      avx: reported.avx,
      // From the running loader: the packages may be newer or older than the Mesa in use.
      mesa: /\bMesa (\S+)/.exec(reported.egl?.glesVersion ?? "")?.[1] ?? null,
      mir: reported.packages?.["mir-test-tools"] ?? null,
      mirPlatforms: reported.platforms,
      cards: reported.drm,
      drmDriver: reported.drm?.[0]?.driver ?? null,
      renderer: reported.egl?.renderer ?? null,
      mesaDriver: reported.egl?.driver ?? null,
      gles: reported.egl?.glesVersion ?? null,
      mirPlatform: reported.mirLog?.displayDriver ?? null,
      cursor: reported.mirLog?.cursor ?? null,
      session: activeState,
      unit: reported.session === null ? null : (unit as GuestFacts["unit"]),
      displayManager: reported.displayManager,
      signs: reported.signs,
      wayland: reported.wayland,
      tests: reported.tests,
      mounts: reported.share,
      cloudInit: reported.cloudInit,
      bootId: reported.bootId,
      errors: Object.fromEntries(reported.errors.map((e) => [e.fact, e.message])),
    },
    sessionSeconds: activeSeconds,
  };
}

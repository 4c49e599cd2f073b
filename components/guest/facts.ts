/** Reads what scripts/guest/facts.py printed. The guest is not trusted: shape and size are checked. Pure. */
import { z } from "zod";
import { readAnswer } from "./answer";

/** Shown on a terminal later on: control characters of the guest stay out. */
const text = z
  .string()
  .max(500)
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced here
  .transform((told) => told.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " "));

const count = z.int().min(0).max(1_000_000);
const seconds = z.number().min(0).max(1e10);
const list = z.array(text).max(256);

/** How one of Mir's own tests ended: exit code, and what it said last. */
const testResult = z.object({ code: z.int().min(-1).max(255), said: text });

/** Version 2 of the facts; each is null when the guest could not tell, with a line in `errors`. */
const factsSchema = z.object({
  version: z.literal(2),
  bootId: text.nullable(),
  kernel: z
    .object({
      running: text,
      newestInstalled: text.nullable(),
      /** `y`, `m` or `n`; null: no configuration file of the running kernel. */
      config: z.object({ DRM_QXL: text, NET_9P_VIRTIO: text }).nullable(),
    })
    .nullable(),
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
      /** A start of it is under way: it waits for its turn in the boot, for one. */
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
  mirLog: z.object({ displayDriver: text.nullable() }).nullable(),
  /** Null: they were not run. `fresh`: what was tested is what is installed. */
  tests: z
    .object({ fresh: z.boolean(), harness: testResult.optional(), client: testResult.optional() })
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

type Told = z.output<typeof factsSchema>;

/** What the guest says of itself; null where it could not be read. */
export interface GuestFacts {
  /** Release of the running kernel, e.g. `6.1.0-56-amd64`. */
  readonly kernel: string | null;
  readonly newestKernel: string | null;
  readonly kernelConfig: { readonly DRM_QXL: string; readonly NET_9P_VIRTIO: string } | null;
  /** Mesa of a GLES context, e.g. `22.3.6`. */
  readonly mesa: string | null;
  /** Version of the package mir-test-tools. */
  readonly mir: string | null;
  readonly mirPlatforms: Told["platforms"];
  readonly cards: Told["drm"];
  /** Driver bound to the first DRM card, e.g. `qxl`. */
  readonly drmDriver: string | null;
  /** Renderer of a GLES context in the guest, e.g. `llvmpipe (LLVM 15.0.6, 128 bits)`. */
  readonly renderer: string | null;
  /** Mesa's driver behind it, e.g. `kms_swrast`. */
  readonly mesaDriver: string | null;
  /** e.g. `OpenGL ES 3.2 Mesa 22.3.6` */
  readonly gles: string | null;
  /** Display platform the Mir log names, e.g. `mir:gbm-kms`. */
  readonly mirPlatform: string | null;
  /** systemd state of the session unit, e.g. `active`. */
  readonly session: string | null;
  readonly unit: Omit<NonNullable<Told["session"]>, "activeSeconds" | "activeState"> | null;
  readonly wayland: Told["wayland"];
  readonly tests: Told["tests"];
  readonly mounts: Told["share"];
  readonly cloudInit: Told["cloudInit"];
  /** Changes with every boot. */
  readonly bootId: string | null;
  /** Why a fact could not be had, by fact. */
  readonly errors: Readonly<Record<string, string>>;
}

/** One look at a guest: facts that stay while nothing changes, and those that always change. */
export interface GuestLook {
  readonly facts: GuestFacts;
  /** Seconds since the session was started; null when it is not active. */
  readonly sessionSeconds: number | null;
}

/** The facts that the checks ask for. Throws when the answer is not what the script prints. */
export function readFacts(answer: string): GuestLook {
  const told = readAnswer("facts", factsSchema, answer);
  const { activeSeconds = null, activeState = null, ...unit } = told.session ?? {};
  return {
    facts: {
      kernel: told.kernel?.running ?? null,
      newestKernel: told.kernel?.newestInstalled ?? null,
      kernelConfig: told.kernel?.config ?? null,
      // Of the running loader: packages may be newer or older than what is in use.
      mesa: /\bMesa (\S+)/.exec(told.egl?.glesVersion ?? "")?.[1] ?? null,
      mir: told.packages?.["mir-test-tools"] ?? null,
      mirPlatforms: told.platforms,
      cards: told.drm,
      drmDriver: told.drm?.[0]?.driver ?? null,
      renderer: told.egl?.renderer ?? null,
      mesaDriver: told.egl?.driver ?? null,
      gles: told.egl?.glesVersion ?? null,
      mirPlatform: told.mirLog?.displayDriver ?? null,
      session: activeState,
      unit: told.session === null ? null : (unit as GuestFacts["unit"]),
      wayland: told.wayland,
      tests: told.tests,
      mounts: told.share,
      cloudInit: told.cloudInit,
      bootId: told.bootId,
      errors: Object.fromEntries(told.errors.map((e) => [e.fact, e.message])),
    },
    sessionSeconds: activeSeconds,
  };
}

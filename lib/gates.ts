/**
 * The page's two named gates, and what a guest's facts say about them. Pure.
 *
 * Versions are the page's rule and the explanation; what a guest can really do is asked as well,
 * because Debian's cloud kernel is new enough and has no DRM at all.
 */
import { Tier, Verdict } from "./checks/verdict";
import { meets, parseRequirement, Requirement } from "./requirement";

function floor(text: string): Requirement {
  const parsed = parseRequirement(text);
  if (parsed === undefined) throw new Error(`not a requirement: ${text}`);
  return parsed;
}

/** Lowest versions the page allows: dma-buf and crtc handling in QXL; kms_swrast in Mesa. */
export const PAGE_FLOORS = { kernel: floor(">= 3.18"), mesa: floor(">= 10.3.0") } as const;

/** Versions asked for by the configuration, e.g. `{ kernel: ">= 6.1", mesa: ">= 10.3.0" }`. */
export interface GateRequirements {
  readonly kernel: string;
  readonly mesa: string;
}

/** What the guest says of itself; null where it could not be read. See scripts/guest/facts.sh. */
export interface GuestFacts {
  readonly kernel: string | null;
  readonly mesa: string | null;
  readonly mir: string | null;
  /** Driver bound to the first DRM card, e.g. `qxl`. */
  readonly drmDriver: string | null;
  /** Renderer of a GLES context in the guest, e.g. `llvmpipe (LLVM 15.0.6, 128 bits)`. */
  readonly renderer: string | null;
  /** e.g. `OpenGL ES 3.2 Mesa 22.3.6` */
  readonly gles: string | null;
  /** Display platform the Mir log names, e.g. `mir:gbm-kms`. */
  readonly mirPlatform: string | null;
  /** systemd state of the session unit, e.g. `active`. */
  readonly session: string | null;
}

interface Gate {
  readonly id: string;
  readonly tier: Tier;
  readonly required: (gates: GateRequirements) => string;
  readonly found: (facts: GuestFacts) => string | null;
  readonly ok: (found: string, gates: GateRequirements) => boolean;
  readonly remedy: string;
  readonly settles: boolean;
}

const atLeast =
  (key: "kernel" | "mesa") =>
  (found: string, gates: GateRequirements): boolean => {
    const wanted = parseRequirement(gates[key]);
    return wanted !== undefined && meets(found, wanted);
  };

/** The gates, in the order in which they are told. A new one is one entry. */
const GATES: readonly Gate[] = [
  {
    id: "kernel",
    tier: "boot",
    required: (g) => g.kernel,
    found: (f) => f.kernel,
    ok: atLeast("kernel"),
    remedy: "install a newer kernel in the guest and reboot it, or lower guests[].gates.kernel",
    settles: false,
  },
  {
    id: "drm",
    tier: "graphics",
    required: () => "qxl bound to a card in /dev/dri",
    found: (f) => f.drmDriver,
    ok: (found) => found === "qxl",
    remedy:
      "boot a kernel with CONFIG_DRM_QXL: on Debian linux-image-amd64, not linux-image-cloud-amd64",
    settles: false,
  },
  {
    id: "mesa",
    tier: "graphics",
    required: (g) => g.mesa,
    found: (f) => f.mesa,
    ok: atLeast("mesa"),
    remedy: "install a newer libegl-mesa0 in the guest, or lower guests[].gates.mesa",
    settles: false,
  },
  {
    id: "gles",
    tier: "graphics",
    required: () => "an OpenGL ES 2 or newer context",
    found: (f) => f.gles,
    ok: (found) => Number(/OpenGL ES (\d+)\./.exec(found)?.[1] ?? 0) >= 2,
    remedy:
      "install libgl1-mesa-dri and libgbm1 in the guest; 'eglinfo' there shows what is missing",
    settles: false,
  },
  {
    id: "renderer",
    tier: "graphics",
    required: () => "a Mesa renderer",
    found: (f) => f.renderer,
    ok: (found) => /\S/.test(found),
    remedy: "install libgl1-mesa-dri in the guest: it holds kms_swrast (llvmpipe)",
    settles: false,
  },
  {
    id: "session",
    tier: "session",
    required: () => "mir-session.service active",
    found: (f) => f.session,
    ok: (found) => found === "active",
    remedy: "read 'journalctl -u mir-session -b' in the guest",
    settles: true,
  },
  {
    id: "platform",
    tier: "session",
    required: () => "a KMS display platform selected in the Mir log",
    found: (f) => f.mirPlatform,
    ok: (found) => /^mir:(gbm|atomic)-kms/.test(found),
    remedy:
      "install mir-platform-graphics-gbm-kms; 'journalctl -u mir-session -b' names the reason",
    settles: true,
  },
];

/** All verdicts, in order. A fact that could not be read is not met: unknown is not ok. */
export function judge(facts: GuestFacts, gates: GateRequirements): Verdict[] {
  return GATES.map((gate) => {
    const found = gate.found(facts);
    return {
      ...{ id: gate.id, tier: gate.tier, fatal: true, settles: gate.settles, remedy: gate.remedy },
      status: found === null ? "unknown" : gate.ok(found, gates) ? "met" : "unmet",
      found: found ?? "nothing",
      required: gate.required(gates),
    };
  });
}

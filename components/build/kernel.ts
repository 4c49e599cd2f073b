/** Decides which kernel a guest has to run, and plans the steps. Pure. */
import { z } from "zod";
import { readAnswer } from "../guest/answer";
import { CARDS, VideoModel } from "../../config/video";
import { buildWords, Pace } from "./build";
import { sha256 } from "../../config/schemaTypes";
import { identityOf, Origin, originOf, otherIsWanted, SoftwareConfig } from "./software";

/** The package of the distribution's newest kernel, used when the configuration names none. */
export const KERNEL_PACKAGE = "linux-image-amd64";

/** A kernel's release, as `uname -r` prints it. */
const release = z.string().regex(/^\d+\.[A-Za-z0-9.+~_-]{1,90}$/);

const VERSION = 2;

const factsSchema = z.object({
  version: z.literal(VERSION),
  running: release,
  bootId: z.string().regex(/^[0-9a-f-]{36}$/),
  installed: z.array(release).max(100),
  ours: z
    .array(
      z.object({
        release,
        identity: z.string().regex(/^([0-9a-f]{64})?$/),
        foreign: z.boolean(),
      }),
    )
    .max(100),
  saved: release.nullable(),
  pinned: z.boolean(),
  basis: sha256.nullable(),
});

/** The output of scripts/guest/kernel.py. */
export interface KernelFacts {
  readonly running: string;
  readonly bootId: string;
  /** Releases in /boot, newest first. */
  readonly installed: readonly string[];
  /** Releases that the lab requested; `foreign`: the release was installed before. */
  readonly ours: readonly {
    readonly release: string;
    readonly identity: string;
    readonly foreign: boolean;
  }[];
  /** Release of the boot loader's saved entry. */
  readonly saved: string | null;
  /** The boot loader uses the saved entry even if newer kernels are installed. */
  readonly pinned: boolean;
  /** SHA-256 of the recorded configuration for base `running`; null: not recorded yet. */
  readonly basis: string | null;
}

/** Throws when the answer does not have the script's form. */
export function readKernelFacts(answer: string): KernelFacts {
  return readAnswer("kernel", factsSchema, answer, 100_000);
}

export type KernelStep =
  | { readonly do: "install"; readonly origin: Origin }
  /** Boots the plan's release once, and checks it. */
  | { readonly do: "boot" }
  | { readonly do: "keep" }
  | { readonly do: "restore" };

export interface KernelPlan {
  /** `leave`: the lab does not manage the kernel. */
  readonly target: "leave" | "distro" | "ours";
  /** Release that has to run; unset: known only after the installation. */
  readonly release?: string;
  readonly steps: readonly KernelStep[];
  /** The steps and their reason in words; empty: nothing to do. */
  readonly words: string;
}

/** Minutes that do not depend on where the compiler runs. */
const EMULATED = { install: 7, boot: 3 } as const;

/**
 * Minutes for Debian's package, one boot and a build. Measured under TCG (docs/builds.md): package,
 * boot, base tiny both ways, and base running after its host. The other TCG values are estimated
 * from the number of steps; the KVM values are guesses.
 */
const MINUTES = {
  kvm: { install: 2, boot: 1, tiny: 10, running: 20, defconfig: 30 },
  "tcg after its host": { ...EMULATED, tiny: 25, running: 40, defconfig: 80 },
  "tcg alone": { ...EMULATED, tiny: 130, running: 260, defconfig: 350 },
} as const satisfies Record<Pace, object>;

/**
 * The configuration with the guest's recorded basis for base `running`. The guest records it once,
 * so that the build does not change with the kernel that happens to run.
 */
export function settledConfig(
  config: SoftwareConfig,
  { basis }: Pick<KernelFacts, "basis">,
): SoftwareConfig {
  const { build } = config;
  if (build?.base !== "running" || basis === null) return config;
  return { ...config, build: { ...build, basis } };
}

/**
 * Plans the steps. The target depends only on the configuration and on the distribution's kernel,
 * never on the guest's history, so the plan converges from every state, in both directions.
 */
export function kernelPlan(
  config: SoftwareConfig,
  gate: string,
  facts: KernelFacts,
  pace: Pace,
): KernelPlan {
  if (config.when === "never") return { target: "leave", steps: [], words: "" };
  const own = facts.ours.filter((o) => !o.foreign).map((o) => o.release);
  const distro = facts.installed.find((r) => !own.includes(r));
  const origin = originOf(settledConfig(config, facts), KERNEL_PACKAGE);
  const { wanted, why } = otherIsWanted("kernel", config, gate, distro);
  return wanted && origin !== undefined
    ? planOurs(origin, facts, why, MINUTES[pace])
    : planDistro(distro, facts, why);
}

type Minutes = (typeof MINUTES)[Pace];

const BOOTED = "boots it once, and keeps it if it passes";

function installWords(origin: Origin, minutes: Minutes): string {
  if (origin.kind === "build") {
    const { base } = origin.order;
    const took = base === "tiny" || base === "running" ? minutes[base] : minutes.defconfig;
    return `builds ${buildWords(origin.order)}, about ${took + minutes.boot} min, ${BOOTED}`;
  }
  const what =
    origin.kind === "suite" ? `${origin.name} of ${origin.suite}` : `the kernel in ${origin.deb}`;
  return `installs ${what}, ${BOOTED}; about ${minutes.install + minutes.boot} min`;
}

function planOurs(origin: Origin, facts: KernelFacts, why: string, minutes: Minutes): KernelPlan {
  const identity = identityOf(origin);
  const known = facts.ours.find((o) => o.identity === identity);
  const there = known !== undefined && facts.installed.includes(known.release);
  if (!there) {
    return {
      target: "ours",
      steps: [{ do: "install", origin }, { do: "boot" }, { do: "keep" }],
      words: `${why}: up ${installWords(origin, minutes)}`,
    };
  }
  const { release } = known;
  const kept = facts.saved === release && facts.pinned;
  const steps: KernelStep[] = [
    ...(facts.running === release ? [] : [{ do: "boot" } as const]),
    ...(facts.running === release && kept ? [] : [{ do: "keep" } as const]),
  ];
  const words =
    steps.length === 0
      ? ""
      : steps.length === 1
        ? `${why}: up makes the running ${release} the default`
        : `${why}: up boots ${release} once, and keeps it if it passes; about ${minutes.boot} min`;
  return { target: "ours", release, steps, words };
}

function planDistro(distro: string | undefined, facts: KernelFacts, why: string): KernelPlan {
  if (facts.ours.length === 0 && !facts.pinned) return { target: "distro", steps: [], words: "" };
  if (distro === undefined) {
    throw new Error(
      `${why}: found no kernel of the distribution in the guest's /boot; need one to return to; fix: install linux-image-amd64 in the guest`,
    );
  }
  const leaves = facts.ours.filter((o) => !o.foreign).map((o) => o.release);
  const boots = leaves.includes(facts.running);
  const removal = leaves.length === 0 ? "" : `, and removes ${leaves.join(" and ")}`;
  return {
    ...{ target: "distro", release: distro },
    steps: [...(boots ? [{ do: "boot" } as const] : []), { do: "restore" }],
    words: `${why}: up returns to ${distro}${removal}`,
  };
}

/** Symbols that a kernel needs for this guest's disk, network, picture and keyboard. */
export function neededSymbols(share: boolean, video: VideoModel = "qxl"): string[] {
  const card = CARDS[video].symbol;
  return [
    ...["EXT4_FS", "VIRTIO_PCI", "VIRTIO_BLK", "VIRTIO_NET", card, "DEVTMPFS", "CGROUPS"],
    ...["USB_XHCI_HCD", "USB_HID"],
    ...(share ? ["NET_9P_VIRTIO", "9P_FS"] : []),
  ];
}

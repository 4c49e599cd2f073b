/** Which kernel a guest has to run, and what it takes to get there. Pure. */
import { z } from "zod";
import { readAnswer } from "../guest/answer";
import { buildWords, Pace } from "./build";
import { sha256 } from "../../config/schemaTypes";
import { identityOf, Origin, originOf, otherIsWanted, SoftwareConfig } from "./software";

/** The distribution's own newest kernel, when no other name is given. */
export const KERNEL_PACKAGE = "linux-image-amd64";

/** A kernel's release, as `uname -r` says it. */
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

/** What scripts/guest/kernel.py tells. */
export interface KernelFacts {
  readonly running: string;
  readonly bootId: string;
  /** Releases in /boot, newest first. */
  readonly installed: readonly string[];
  /** Releases that the lab asked for; `foreign` ones were there before. */
  readonly ours: readonly {
    readonly release: string;
    readonly identity: string;
    readonly foreign: boolean;
  }[];
  /** Release of the boot loader's saved entry. */
  readonly saved: string | null;
  /** The saved entry counts, whatever is installed. */
  readonly pinned: boolean;
  /** SHA-256 of the configuration that a base `running` is made from; null: not recorded yet. */
  readonly basis: string | null;
}

/** Throws when the answer is not what the script prints. */
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
  /** `leave`: the lab has no say in it. */
  readonly target: "leave" | "distro" | "ours";
  /** Release that has to run; unset: the guest will tell, once it is installed. */
  readonly release?: string;
  readonly steps: readonly KernelStep[];
  /** What will be done and why; empty when nothing. */
  readonly words: string;
}

/** What does not depend on who compiles. */
const EMULATED = { install: 7, boot: 3 } as const;

/**
 * Minutes that Debian's package, one boot and a build take. Package and boot under TCG are measured
 * (docs/builds.md), the base tiny there both ways, and running after its host; the others under TCG
 * are estimated from their steps, and KVM is guessed.
 */
const MINUTES = {
  kvm: { install: 2, boot: 1, tiny: 10, running: 20, defconfig: 30 },
  "tcg after its host": { ...EMULATED, tiny: 25, running: 40, defconfig: 80 },
  "tcg alone": { ...EMULATED, tiny: 130, running: 260, defconfig: 350 },
} as const satisfies Record<Pace, object>;

/**
 * The declared kernel as this guest has it built: what a base `running` is made from is the guest's,
 * and is recorded there once, so that what is built does not change with what happens to run.
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
 * What has to be done. It depends on what is declared and on the distribution's own kernel, never on
 * how the guest came to be as it is: so it converges from everywhere, and both ways.
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
        ? `${why}: up makes ${release}, which runs, the default`
        : `${why}: up boots ${release} once, and keeps it if it passes; about ${minutes.boot} min`;
  return { target: "ours", release, steps, words };
}

function planDistro(distro: string | undefined, facts: KernelFacts, why: string): KernelPlan {
  if (facts.ours.length === 0 && !facts.pinned) return { target: "distro", steps: [], words: "" };
  if (distro === undefined) {
    throw new Error(
      `${why}: found no kernel of the distribution in the guest's /boot, required one to go back to; install linux-image-amd64 there`,
    );
  }
  const leaves = facts.ours.filter((o) => !o.foreign).map((o) => o.release);
  const boots = leaves.includes(facts.running);
  const away = leaves.length === 0 ? "" : `, and takes ${leaves.join(" and ")} away`;
  return {
    ...{ target: "distro", release: distro },
    steps: [...(boots ? [{ do: "boot" } as const] : []), { do: "restore" }],
    words: `${why}: up goes back to ${distro}${away}`,
  };
}

/** Symbols without which a kernel cannot run this guest: its disk, network, picture and keyboard. */
export function neededSymbols(share: boolean): string[] {
  return [
    ...["EXT4_FS", "VIRTIO_PCI", "VIRTIO_BLK", "VIRTIO_NET", "DRM_QXL", "DEVTMPFS", "CGROUPS"],
    ...["USB_XHCI_HCD", "USB_HID"],
    ...(share ? ["NET_9P_VIRTIO", "9P_FS"] : []),
  ];
}

/** Which kernel a guest has to run, and what it takes to get there. Pure. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { readAnswer } from "./guestAnswer";
import { Acceleration } from "./limits";
import { meets, parseRequirement } from "./requirement";

/** `guests[].kernel`, validated. */
export interface KernelConfig {
  readonly source: "distro" | "package";
  readonly when: "unmet" | "always" | "never";
  readonly package?: KernelPackage | undefined;
}

export interface KernelPackage {
  readonly suite?: string | undefined;
  readonly name?: string | undefined;
  readonly deb?: string | undefined;
  readonly sha256?: string | undefined;
}

/** The distribution's own newest kernel, when no other name is given. */
const PACKAGE = "linux-image-amd64";

/** Where a kernel comes from, with every default filled in. */
export type KernelOrigin =
  | { readonly kind: "suite"; readonly suite: string; readonly name: string }
  | { readonly kind: "deb"; readonly deb: string; readonly sha256: string };

export function originOf({ source, package: given }: KernelConfig): KernelOrigin | undefined {
  if (source === "distro" || given === undefined) return undefined;
  const { suite, name = PACKAGE, deb, sha256 } = given;
  if (suite !== undefined) return { kind: "suite", suite, name };
  if (deb !== undefined && sha256 !== undefined) return { kind: "deb", deb, sha256 };
  return undefined;
}

/** What makes one kernel another: a file by its content, wherever it lies. */
export function identityOf(origin: KernelOrigin): string {
  const what =
    origin.kind === "deb" ? ["deb", origin.sha256] : ["suite", origin.suite, origin.name];
  return createHash("sha256").update(JSON.stringify(what)).digest("hex");
}

/** Keys that do not belong together; paths are below `guests[].kernel`. */
export function kernelFaults({ source, package: given }: KernelConfig): [string, string][] {
  if (source === "distro") {
    const fault = "belongs to source 'package', got source 'distro'; remove one of the two";
    return given === undefined ? [] : [["package", fault]];
  }
  if (given === undefined) return [["package", "missing; source 'package' needs a suite or a deb"]];
  const { suite, name, deb, sha256 } = given;
  return [
    ...((suite === undefined) === (deb === undefined)
      ? [["package", "set one of suite and deb"] as [string, string]]
      : []),
    ...(deb !== undefined && sha256 === undefined
      ? [["package.sha256", "missing; a deb is used with its digest only"] as [string, string]]
      : []),
    ...(deb === undefined && sha256 !== undefined
      ? [
          ["package.sha256", "belongs to package.deb; a suite is verified by apt"] as [
            string,
            string,
          ],
        ]
      : []),
    ...(deb !== undefined && name !== undefined
      ? [["package.name", "belongs to package.suite; a deb names itself"] as [string, string]]
      : []),
  ];
}

/** A kernel's release, as `uname -r` says it. */
const release = z.string().regex(/^\d+\.[A-Za-z0-9.+~_-]{1,90}$/);

const VERSION = 1;

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
}

/** Throws when the answer is not what the script prints. */
export function readKernelFacts(answer: string): KernelFacts {
  return readAnswer("kernel", factsSchema, answer, 100_000);
}

export type KernelStep =
  | { readonly do: "install"; readonly origin: KernelOrigin }
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

/** What the lab has decided on. */
export interface KernelDecision {
  readonly release: string;
  /** The boot loader starts it whatever else is installed. */
  readonly pinned: boolean;
}

/** Minutes that Debian's package and one boot take. TCG is measured (docs/builds.md), KVM guessed. */
const MINUTES = { kvm: { install: 2, boot: 1 }, tcg: { install: 7, boot: 3 } } as const;

/**
 * What has to be done. It depends on what is declared and on the distribution's own kernel, never on
 * how the guest came to be as it is: so it converges from everywhere, and both ways.
 */
export function kernelPlan(
  config: KernelConfig,
  gate: string,
  facts: KernelFacts,
  acceleration: Acceleration,
): KernelPlan {
  const origin = originOf(config);
  if (config.when === "never") return { target: "leave", steps: [], words: "" };
  const own = facts.ours.filter((o) => !o.foreign).map((o) => o.release);
  const distro = facts.installed.find((r) => !own.includes(r));
  const wanted = parseRequirement(gate);
  const isMet = distro !== undefined && wanted !== undefined && meets(distro, wanted);
  const why =
    config.when === "always"
      ? "kernel.when is 'always'"
      : `kernel ${distro ?? "of the distribution (none is left)"} ${isMet ? "meets" : "does not meet"} ${gate}`;
  const ours = origin !== undefined && (config.when === "always" || !isMet);
  return ours
    ? planOurs(origin, facts, why, MINUTES[acceleration])
    : planDistro(distro, facts, origin === undefined ? "kernel.source is 'distro'" : why);
}

type Minutes = (typeof MINUTES)[Acceleration];

function planOurs(
  origin: KernelOrigin,
  facts: KernelFacts,
  why: string,
  minutes: Minutes,
): KernelPlan {
  const identity = identityOf(origin);
  const known = facts.ours.find((o) => o.identity === identity);
  const there = known !== undefined && facts.installed.includes(known.release);
  if (!there) {
    const what =
      origin.kind === "suite" ? `${origin.name} of ${origin.suite}` : `the kernel in ${origin.deb}`;
    return {
      target: "ours",
      steps: [{ do: "install", origin }, { do: "boot" }, { do: "keep" }],
      words: `${why}: up installs ${what}, boots it once, and keeps it if it passes; about ${minutes.install + minutes.boot} min`,
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

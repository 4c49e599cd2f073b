/** Decides which Mesa a guest has to use, and plans the steps. Pure. */
import { z } from "zod";
import { readAnswer } from "../guest/answer";
import { buildWords, Pace } from "./build";
import { identityOf, Origin, originOf, otherIsWanted, SoftwareConfig } from "./software";

/** Debian's source package: all of its packages that the guest has are taken from a suite. */
export const MESA_SOURCE = "mesa";

/** A package's version in dpkg's form. */
const version = z.string().regex(/^[0-9][A-Za-z0-9.+~:-]{0,99}$/);

const factsSchema = z.object({
  version: z.literal(1),
  /** Missing in answers that an earlier version has recorded. */
  suite: z
    .string()
    .regex(/^[a-z]{1,30}$/)
    .nullish(),
  distro: version.nullable(),
  ours: z
    .object({
      identity: z.string().regex(/^[0-9a-f]{64}$/),
      ...{ kept: z.boolean(), mesa: version, whole: z.boolean() },
    })
    .nullable(),
});

/** The output of scripts/guest/mesa.py. */
export interface MesaFacts {
  /** The distribution's version, even while another one is installed; null: it has none. */
  readonly distro: string | null;
  /** Code name in the guest's os-release, e.g. `trixie`; unset: it has none. */
  readonly suite?: string;
  readonly ours: {
    readonly identity: string;
    /** It passed its trial. */
    readonly kept: boolean;
    readonly mesa: string;
    /** All of its packages are still installed. */
    readonly whole: boolean;
  } | null;
}

/** Throws when the answer does not have the script's form. */
export function readMesaFacts(answer: string): MesaFacts {
  const { distro, ours, suite } = readAnswer("mesa", factsSchema, answer, 10_000);
  return { distro, ours, ...(suite ? { suite } : {}) };
}

export type MesaStep =
  | { readonly do: "install"; readonly origin: Origin }
  /** Mir's own tests draw with it. */
  | { readonly do: "try" }
  | { readonly do: "keep" }
  | { readonly do: "restore" };

export interface MesaPlan {
  /** `leave`: the lab does not manage Mesa. */
  readonly target: "leave" | "distro" | "ours";
  readonly steps: readonly MesaStep[];
  /** The steps and their reason in words; empty: nothing to do. */
  readonly words: string;
}

/** The lab's decision. */
export interface MesaDecision {
  /** Version of the package. */
  readonly mesa: string;
}

/** Minutes that do not depend on where the compiler runs. */
const EMULATED = { install: 3, try: 1 } as const;

/**
 * Minutes for packages, Mir's tests and a build. "tcg after its host" is measured (docs/builds.md),
 * "tcg alone" is estimated from the native compile, the KVM values are guesses.
 */
const MINUTES = {
  kvm: { install: 1, try: 1, build: 5 },
  "tcg after its host": { ...EMULATED, build: 12 },
  "tcg alone": { ...EMULATED, build: 110 },
} as const satisfies Record<Pace, object>;

/**
 * Plans the steps. As with the kernel the target depends only on the configuration and on the
 * distribution's version, never on what is installed.
 */
export function mesaPlan(
  config: SoftwareConfig,
  gate: string,
  facts: MesaFacts,
  pace: Pace,
): MesaPlan {
  if (config.when === "never") return { target: "leave", steps: [], words: "" };
  const origin = originOf(config, MESA_SOURCE);
  const { wanted, why } = otherIsWanted("mesa", config, gate, facts.distro ?? undefined);
  if (wanted && origin !== undefined) return planOurs(origin, facts, why, MINUTES[pace]);
  if (facts.ours === null) return { target: "distro", steps: [], words: "" };
  return {
    ...{ target: "distro", steps: [{ do: "restore" }] },
    words: `${why}: up returns from Mesa ${facts.ours.mesa} to the distribution's`,
  };
}

function planOurs(
  origin: Origin,
  { ours }: MesaFacts,
  why: string,
  minutes: (typeof MINUTES)[Pace],
): MesaPlan {
  const tried: readonly MesaStep[] = [{ do: "try" }, { do: "keep" }];
  if (ours?.identity !== identityOf(origin) || !ours.whole) {
    return {
      ...{ target: "ours", steps: [{ do: "install", origin }, ...tried] },
      words: `${why}: up ${installWords(origin, minutes)}`,
    };
  }
  if (ours.kept) return { target: "ours", steps: [], words: "" };
  return {
    ...{ target: "ours", steps: tried },
    words: `${why}: up tries Mir with Mesa ${ours.mesa}, and keeps it if it passes; about ${minutes.try} min`,
  };
}

const TRIED = "tries Mir with it, and keeps it if it passes";

function installWords(origin: Origin, minutes: (typeof MINUTES)[Pace]): string {
  if (origin.kind === "build") {
    return `builds ${buildWords(origin.order)}, about ${minutes.build + minutes.try} min, ${TRIED}`;
  }
  const what = origin.kind === "suite" ? `Mesa of ${origin.suite}` : `the Mesa in ${origin.deb}`;
  return `installs ${what}, ${TRIED}; about ${minutes.install + minutes.try} min`;
}

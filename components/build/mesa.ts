/** Which Mesa a guest has to use, and what it takes to get there. Pure. */
import { z } from "zod";
import { readAnswer } from "../guest/answer";
import { buildWords, Pace } from "./build";
import { identityOf, Origin, originOf, otherIsWanted, SoftwareConfig } from "./software";

/** Debian's source package: of a suite all packages of it that the guest has are taken. */
export const MESA_SOURCE = "mesa";

/** A package's version as dpkg writes it. */
const version = z.string().regex(/^[0-9][A-Za-z0-9.+~:-]{0,99}$/);

const factsSchema = z.object({
  version: z.literal(1),
  distro: version.nullable(),
  ours: z
    .object({
      identity: z.string().regex(/^[0-9a-f]{64}$/),
      ...{ kept: z.boolean(), mesa: version, whole: z.boolean() },
    })
    .nullable(),
});

/** What scripts/guest/mesa.py tells. */
export interface MesaFacts {
  /** The distribution's own version, also where another one is installed; null: it has none. */
  readonly distro: string | null;
  readonly ours: {
    readonly identity: string;
    /** It was tried, and passed. */
    readonly kept: boolean;
    readonly mesa: string;
    /** All that was installed for it is still there. */
    readonly whole: boolean;
  } | null;
}

/** Throws when the answer is not what the script prints. */
export function readMesaFacts(answer: string): MesaFacts {
  const { distro, ours } = readAnswer("mesa", factsSchema, answer, 10_000);
  return { distro, ours };
}

export type MesaStep =
  | { readonly do: "install"; readonly origin: Origin }
  /** Mir's own tests draw with it. */
  | { readonly do: "try" }
  | { readonly do: "keep" }
  | { readonly do: "restore" };

export interface MesaPlan {
  /** `leave`: the lab has no say in it. */
  readonly target: "leave" | "distro" | "ours";
  readonly steps: readonly MesaStep[];
  /** What will be done and why; empty when nothing. */
  readonly words: string;
}

/** What the lab has decided on. */
export interface MesaDecision {
  /** Version of the package. */
  readonly mesa: string;
}

/** What does not depend on who compiles. */
const EMULATED = { install: 3, try: 1 } as const;

/**
 * Minutes of packages, of Mir's tests and of a build. TCG after its host is measured (docs/builds.md),
 * alone estimated from the native compile, KVM guessed.
 */
const MINUTES = {
  kvm: { install: 1, try: 1, build: 5 },
  "tcg after its host": { ...EMULATED, build: 12 },
  "tcg alone": { ...EMULATED, build: 110 },
} as const satisfies Record<Pace, object>;

/**
 * What has to be done. As with the kernel it depends on what is declared and on the distribution's
 * own version, never on what happens to be installed.
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
    words: `${why}: up goes back to the distribution's Mesa from ${facts.ours.mesa}`,
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
    words: `${why}: up has Mir draw with Mesa ${ours.mesa}, and keeps it if that goes well; about ${minutes.try} min`,
  };
}

const KEPT = "has Mir draw with it, and keeps it if that goes well";

function installWords(origin: Origin, minutes: (typeof MINUTES)[Pace]): string {
  if (origin.kind === "build") {
    return `builds ${buildWords(origin.order)}, about ${minutes.build + minutes.try} min, ${KEPT}`;
  }
  const what = origin.kind === "suite" ? `Mesa of ${origin.suite}` : `the Mesa in ${origin.deb}`;
  return `installs ${what}, ${KEPT}; about ${minutes.install + minutes.try} min`;
}

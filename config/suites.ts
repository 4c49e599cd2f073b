/** Suites that the lab builds guests of; scripts/host/image-suites.sh has their packages. Pure data. */

export interface Suite {
  readonly distribution: "debian" | "ubuntu";
  /** Sessions whose packages are in its archive, beside `demo`. */
  readonly sessions: readonly ("lomiri" | "miriway")[];
  /** Display platforms of its Mir that the lab can prove. */
  readonly platforms: readonly Platform[];
  /** Renderers that its Mir can be given. */
  readonly renderers: readonly Renderer[];
}

type Platform = "gbm-kms" | "atomic-kms" | "virtual";
type Renderer = "gbm-kms" | "egl-generic";

/** Of Mir 2.12 and 2.14. */
const OLD = { platforms: ["gbm-kms"], renderers: ["gbm-kms"] } as const;
/** Of Mir 2.20 and later. */
const NEW = {
  platforms: ["gbm-kms", "atomic-kms", "virtual"],
  renderers: ["gbm-kms", "egl-generic"],
} as const;

/**
 * By code name, the oldest first. Sessions: Debian's archive of 2026-10-30. Ubuntu's was not asked: what its users and
 * packages.ubuntu.com say of Mir is here, and no session beside it.
 */
export const SUITES = {
  bookworm: { distribution: "debian", sessions: ["lomiri"], ...OLD },
  trixie: { distribution: "debian", sessions: ["lomiri"], ...NEW },
  forky: { distribution: "debian", sessions: ["lomiri", "miriway"], ...NEW },
  sid: { distribution: "debian", sessions: ["lomiri", "miriway"], ...NEW },
  noble: { distribution: "ubuntu", sessions: [], ...OLD },
  resolute: { distribution: "ubuntu", sessions: [], ...NEW },
} as const satisfies Readonly<Record<string, Suite>>;

export type SuiteName = keyof typeof SUITES;

type Of<D extends Suite["distribution"]> = {
  [Name in SuiteName]: (typeof SUITES)[Name]["distribution"] extends D ? Name : never;
}[SuiteName];

type Feature = "sessions" | "platforms" | "renderers";

/** Suites that have this session, platform or renderer. */
export const suitesWith = (feature: Feature, word: string): SuiteName[] =>
  (Object.keys(SUITES) as SuiteName[]).filter((name) =>
    (SUITES[name][feature] as readonly string[]).includes(word),
  );

/** Code names of a distribution's suites. */
export function suitesOf<D extends Suite["distribution"]>(distribution: D): Of<D>[] {
  const names = Object.keys(SUITES) as SuiteName[];
  return names.filter((name): name is Of<D> => SUITES[name].distribution === distribution);
}

/** Suites that the lab builds guests of; scripts/host/image-suites.sh has their packages. Pure data. */

export interface Suite {
  readonly distribution: "debian" | "ubuntu";
  /** Sessions whose packages are in its archive, beside `demo`. */
  readonly sessions: readonly ("lomiri" | "miriway")[];
}

/**
 * By code name, the oldest first. Sessions: Debian's archive of 2026-10-30. Ubuntu's was not asked: what its users and
 * packages.ubuntu.com say of Mir is here, and no session beside it.
 */
export const SUITES = {
  bookworm: { distribution: "debian", sessions: ["lomiri"] },
  trixie: { distribution: "debian", sessions: ["lomiri"] },
  forky: { distribution: "debian", sessions: ["lomiri", "miriway"] },
  sid: { distribution: "debian", sessions: ["lomiri", "miriway"] },
  noble: { distribution: "ubuntu", sessions: [] },
  resolute: { distribution: "ubuntu", sessions: [] },
} as const satisfies Readonly<Record<string, Suite>>;

export type SuiteName = keyof typeof SUITES;

type Of<D extends Suite["distribution"]> = {
  [Name in SuiteName]: (typeof SUITES)[Name]["distribution"] extends D ? Name : never;
}[SuiteName];

/** Kinds of sessions that a guest of this suite can have. */
export const sessionsOf = (name: SuiteName): readonly string[] => [
  "demo",
  ...SUITES[name].sessions,
];

/** Suites that have the packages of this kind of session. */
export const suitesWith = (kind: string): SuiteName[] =>
  (Object.keys(SUITES) as SuiteName[]).filter((name) => sessionsOf(name).includes(kind));

/** Code names of a distribution's suites. */
export function suitesOf<D extends Suite["distribution"]>(distribution: D): Of<D>[] {
  const names = Object.keys(SUITES) as SuiteName[];
  return names.filter((name): name is Of<D> => SUITES[name].distribution === distribution);
}

/** What a program that this project starts sees of the user's environment. Pure. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The user's environment with English messages in UTF-8: programs' words are read here and there. glibc lets
 * LANGUAGE win over every locale but C itself, C.UTF-8 included; empty, it counts as unset.
 */
export function childEnvironment(user: Environment, added: Environment = {}): Environment {
  return { ...user, ...ENGLISH, ...added };
}

/** The same for a program behind `env`, on a host or in a guest that has an environment of its own. */
export const ENGLISH = { LC_ALL: "C.UTF-8", LANGUAGE: "" } as const;

/** Words for the front of a command line. */
export const englishWords = (): string[] => [
  "env",
  ...Object.entries(ENGLISH).map(([name, value]) => `${name}=${value}`),
];

/** The environment of a program that this project starts. Pure. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * English messages in UTF-8, since the project reads the output of programs. glibc lets LANGUAGE win over
 * every locale but C itself, C.UTF-8 included; an empty LANGUAGE counts as unset.
 */
export const ENGLISH = { LC_ALL: "C.UTF-8", LANGUAGE: "" } as const;

/** The user's environment, with English messages and what is added. */
export function childEnvironment(user: Environment, added: Environment = {}): Environment {
  return { ...user, ...ENGLISH, ...added };
}

/** The first words of a command line that runs on another machine, or by sudo: each has its own locale. */
export const englishWords = (): string[] => [
  "env",
  ...Object.entries(ENGLISH).map(([name, value]) => `${name}=${value}`),
];

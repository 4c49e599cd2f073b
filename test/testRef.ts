/** References from a table to the tests that hold its rows. */

export interface TestRef {
  readonly file: string;
  /** Start of the name of a test or a suite. */
  readonly name: string;
}

/** Tests of `FILE.test.ts`, by the starts of their names. */
export const testsOf = (file: string, ...names: string[]): TestRef[] =>
  names.map((name) => ({ file: `${file}.test.ts`, name }));

/** Links to the files of the tests, from a page that is `up` from the project's folder. */
export const linksTo = (tests: readonly TestRef[], up = ""): string =>
  [...new Set(tests.map(({ file }) => file))]
    .map((file) => `[${file.replace("test/", "")}](${up}${file})`)
    .join(", ");

/** Licences that a component may have, and how to recognise one by its text. */

/**
 * For everything that runs in a lab or creates it; GPL parts are separate programs of Debian. LGPL is for a library
 * that npm installs as it is, so that a user can replace it.
 */
export const ALLOWED: ReadonlySet<string> = new Set([
  ...[
    "0BSD",
    "Apache-2.0",
    "BlueOak-1.0.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-3.0",
    "CC0-1.0",
  ],
  ...["ISC", "LGPL-3.0+", "MIT", "MPL-2.0", "Python-2.0", "Unlicense"],
  "(BSD-3-Clause AND Apache-2.0)",
  "LicenseRef-Appdash",
]);

/** Words by which to recognise a licence's text; the first match counts. */
const TEXTS: readonly (readonly [licence: string, words: RegExp])[] = [
  ["Apache-2.0", /Apache License,? +Version 2\.0/i],
  ["MPL-2.0", /Mozilla Public License,? (?:Version|v\.) ?2\.0/i],
  ["BSD-3-Clause", /Redistribution and use.*(?:Neither the name|names? of (?:its|the|any) )/i],
  ["BSD-2-Clause", /Redistribution and use in source and binary forms/i],
  ["MIT", /Permission is hereby granted, free of charge, to any person obtaining/i],
  [
    "ISC",
    /Permission to use, copy, modify,? and(?:\/or)? distribute this software for any purpose/i,
  ],
  ["Unlicense", /This is free and unencumbered software/i],
  ["CC0-1.0", /CC0 1\.0 Universal/i],
];

/** Licences of packages that do not declare one, read in the file that the comment names. */
const READ: Readonly<Record<string, string>> = {
  "pkg:npm/%40logdna/tail-file@2.2.0": "MIT", // its LICENSE
  "pkg:golang/github.com/mattn/go-localereader@v0.0.1": "MIT", // its README
  "pkg:golang/github.com/pulumi-labs/pulumi-hcl@v0.3.1": "Apache-2.0", // its README
  // Its README names Appdash's licence, which the module does not hold.
  "pkg:golang/github.com/sourcegraph/appdash-data@v0.0.0-20151005221446-73f23eafcf67":
    "LicenseRef-Appdash",
};

/** An SPDX expression, or the unrecognised text. */
export function licenceOf(purl: string, declared: string, text = ""): string {
  if (READ[purl] !== undefined) return READ[purl];
  if (declared !== "" && !/^see licen[cs]e/i.test(declared)) return declared;
  const line = text.replaceAll(/\s+/g, " ");
  return (
    TEXTS.find(([, words]) => words.test(line))?.[0] ?? (declared === "" ? "unknown" : declared)
  );
}

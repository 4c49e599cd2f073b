/** Licences that a part may have, and how one is known by its text. */

/** Of what runs in a lab or is used to make it; GPL parts are Debian's, and stay programs apart. */
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
  ...["ISC", "MIT", "MPL-2.0", "Python-2.0", "Unlicense"],
  "(BSD-3-Clause AND Apache-2.0)",
  "LicenseRef-Appdash",
]);

/** By the words that only this licence's text has; the first that fits. */
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

/** What a package does not say itself in a word, read where the comment says. */
const READ: Readonly<Record<string, string>> = {
  "pkg:npm/%40logdna/tail-file@2.2.0": "MIT", // its LICENSE
  "pkg:golang/github.com/mattn/go-localereader@v0.0.1": "MIT", // its README
  "pkg:golang/github.com/pulumi-labs/pulumi-hcl@v0.3.1": "Apache-2.0", // its README
  // Its README names Appdash's licence, which the module does not hold.
  "pkg:golang/github.com/sourcegraph/appdash-data@v0.0.0-20151005221446-73f23eafcf67":
    "LicenseRef-Appdash",
};

/** An SPDX expression, or what was found instead. */
export function licenceOf(purl: string, said: string, text = ""): string {
  if (READ[purl] !== undefined) return READ[purl];
  if (said !== "" && !/^see licen[cs]e/i.test(said)) return said;
  const line = text.replaceAll(/\s+/g, " ");
  return TEXTS.find(([, words]) => words.test(line))?.[0] ?? (said === "" ? "unknown" : said);
}

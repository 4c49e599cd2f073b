// A reporter of node's test runner: one line for each test that failed, "FILE: SUITE > TEST".
"use strict";

const { relative } = require("node:path");

module.exports = async function* failures(events) {
  const open = [];
  for await (const { type, data } of events) {
    if (type === "test:start") {
      open.length = data.nesting;
      open.push(data.name);
    }
    // A suite that fails for a test in it says nothing that the test has not.
    if (type !== "test:fail" || data.details.error?.failureType === "subtestsFailed") continue;
    const suites = open.slice(0, data.nesting);
    yield `${relative(".", data.file ?? "")}: ${[...suites, data.name].join(" > ")}\n`;
  }
};

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Element } from "@xmldom/xmldom";
import { Evidence } from "../../../../components/report/evidence";
import { junit } from "../../../../components/report/junit";
import { childrenOf } from "../../../../core/xml";
import { hostileEvidence, NOT_REACHED, NOT_READY, READY } from "../../evidence";
import { rootOf } from "../../support";

const suites = (evidence: Evidence): Element[] => childrenOf(rootOf(junit(evidence)), "testsuite");

/** `CLASS.NAME: OUTCOME` of every test, as CI counts them. */
const outcomes = (evidence: Evidence): string[] =>
  suites(evidence).flatMap((suite) =>
    childrenOf(suite, "testcase").map((test) => {
      const found = ["failure", "error", "skipped"].filter((n) => childrenOf(test, n).length > 0);
      const name = `${test.getAttribute("classname")}.${test.getAttribute("name")}`;
      return `${name}: ${found.join("+") || "passed"}`;
    }),
  );

const testNamed = (evidence: Evidence, name: string): Element => {
  const tests = suites(evidence).flatMap((suite) => childrenOf(suite, "testcase"));
  const test = tests.find((t) => t.getAttribute("name") === name);
  assert.ok(test);
  return test;
};

describe("junit", () => {
  it("has one suite per tier and one test per check", () => {
    assert.deepEqual(outcomes(NOT_READY), [
      "mirlab.mir.boot.cloud-init: passed",
      "mirlab.mir.boot.kernel: passed",
      "mirlab.mir.boot.newest-kernel: passed",
      "mirlab.mir.graphics.drm: passed",
      "mirlab.mir.graphics.mesa: failure",
      "mirlab.mir.graphics.gles: passed",
      "mirlab.mir.graphics.renderer: passed",
      "mirlab.mir.session.session: error",
      "mirlab.mir.session.platform: passed",
      "mirlab.mir.session.share: skipped",
      "mirlab.mir.session.picture: passed",
    ]);
  });

  it("is red exactly when the deploy fails", () => {
    const red = (evidence: Evidence): boolean =>
      outcomes(evidence).some((o) => /failure|error/.test(o));
    assert.deepEqual([READY, NOT_READY, NOT_REACHED].map(red), [false, true, true]);
    const stopped = {
      ...READY,
      ready: false,
      fault: "domain mirlab-dev-mir: found paused; need running",
    };
    assert.equal(red(stopped), true);
  });

  it("has a failing test for a guest that did not answer: a run without tests would be green", () => {
    assert.deepEqual(outcomes(NOT_REACHED), ["mirlab.mir.boot.guest-looked-at: error"]);
    const error = childrenOf(testNamed(NOT_REACHED, "guest-looked-at"), "error")[0];
    assert.match(error?.getAttribute("message") ?? "", /^not in time: .* Connection refused$/);
    assert.match(error?.textContent ?? "", /Kernel panic/);
  });

  it("has a failure's text in the message and in the body", () => {
    const failure = childrenOf(testNamed(NOT_READY, "mesa"), "failure")[0];
    assert.equal(failure?.getAttribute("message"), "found 10.1.3; need >= 10.3.0");
    assert.equal(failure?.getAttribute("type"), "unmet");
    assert.equal(
      failure?.textContent,
      "mesa: found 10.1.3; need >= 10.3.0; fix: install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa\n" +
        "more: docs/checks.md#mesa",
    );
  });

  it("passes a warning, with its text as output", () => {
    const warned = testNamed(NOT_READY, "newest-kernel");
    assert.match(
      childrenOf(warned, "system-out")[0]?.textContent ?? "",
      /^warning: newest-kernel: found/,
    );
  });

  it("has the right counts, for each suite and in total", () => {
    for (const evidence of [READY, NOT_READY, NOT_REACHED, hostileEvidence()]) {
      const root = rootOf(junit(evidence));
      const sums = { tests: 0, failures: 0, errors: 0, skipped: 0 };
      for (const suite of childrenOf(root, "testsuite")) {
        const tests = childrenOf(suite, "testcase");
        const of = (name: string): number =>
          tests.filter((t) => childrenOf(t, name).length > 0).length;
        const counts = {
          tests: tests.length,
          failures: of("failure"),
          errors: of("error"),
          skipped: of("skipped"),
        };
        for (const [key, value] of Object.entries(counts)) {
          assert.equal(suite.getAttribute(key), String(value));
          sums[key as keyof typeof sums] += value;
        }
      }
      for (const [key, value] of Object.entries(sums))
        assert.equal(root.getAttribute(key), String(value));
    }
  });

  it("uses only what the strictest readers accept: elements, attributes, a time without zone", () => {
    const allowed: Record<string, RegExp> = {
      testsuites: /^(name|tests|failures|errors|skipped|time)$/,
      testsuite: /^(name|tests|failures|errors|skipped|time|timestamp)$/,
      testcase: /^(name|classname|time)$/,
      failure: /^(message|type)$/,
      error: /^(message|type)$/,
      skipped: /^message$/,
      "system-out": /^$/,
    };
    for (const evidence of [READY, NOT_READY, NOT_REACHED, hostileEvidence()]) {
      const root = rootOf(junit(evidence));
      for (const element of [root, ...Array.from(root.getElementsByTagName("*"))]) {
        for (const { name } of Array.from(element.attributes))
          assert.match(name, allowed[element.nodeName] ?? /^never$/);
        const timestamp = element.getAttribute("timestamp");
        if (timestamp !== null) assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
      }
    }
  });

  it("accepts any text of a guest: no control character, no additional element", () => {
    const xml = junit(hostileEvidence());
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(xml, /[\u0000-\u0008\u000b-\u001f]|<script|<img|\]\]>/);
    assert.equal(outcomes(hostileEvidence()).length, 5);
  });
});

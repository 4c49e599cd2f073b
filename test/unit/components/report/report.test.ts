import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Evidence } from "../../../../components/report/evidence";
import { report } from "../../../../components/report/report";
import { HOSTILE, hostileEvidence, NOT_REACHED, NOT_READY, READY, verdict } from "../../evidence";

/** Tags of a page, in order, without attributes. */
const tags = (page: string): string[] =>
  [...page.matchAll(/<(!?\/?[a-z0-9]+)/g)].map(([, name]) => name ?? "");

/** Visible text, roughly. */
const textOf = (page: string): string =>
  page
    .replace(/<style>[^]*<\/style>/, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&gt;", ">")
    .replaceAll("&#39;", "'")
    .replaceAll(/\s+/g, " ")
    .replaceAll(" ,", ",");

describe("report", () => {
  it("has the same bytes for the same evidence", () => {
    assert.equal(report(NOT_READY), report({ ...NOT_READY }));
    assert.notEqual(report(NOT_READY), report(READY));
  });

  const lines: [what: string, evidence: Evidence, line: string][] = [
    [
      "a ready guest",
      READY,
      "Ready: 10 of 10 checks met 2026-11-25 16:14:28 UTC, under TCG, QEMU's",
    ],
    [
      "one that is not",
      NOT_READY,
      "Not ready: 7 of 10 checks met, 1 warning 2026-11-25 16:14:28 UTC",
    ],
    [
      "one that did not answer",
      NOT_REACHED,
      "Not ready: the guest did not answer 2026-11-25 16:14:28 UTC, under KVM",
    ],
  ];
  for (const [what, evidence, line] of lines) {
    it(`has the verdict on ${what} in one line`, () => {
      assert.ok(textOf(report(evidence)).includes(line), textOf(report(evidence)).slice(0, 300));
    });
  }

  it("shows first the unmet checks, then the picture, all checks, facts and logs", () => {
    const headings = [...report(NOT_READY).matchAll(/<h2>(.*?)<\/h2>/g)].map(([, h]) => h);
    assert.deepEqual(headings, [
      "Unmet checks",
      "Warnings (they do not fail the deploy)",
      "Picture",
      "All checks",
      "Versions and facts",
      "Logs",
    ]);
  });

  it("shows found, need, fix and documentation of an unmet check", () => {
    assert.ok(
      textOf(report(NOT_READY)).includes(
        "mesa unmet Found 10.1.3 Need >= 10.3.0 Fix install a newer Mesa by guests[].mesa " +
          "(docs/builds.md), or lower guests[].gates.mesa More docs/checks.md#mesa",
      ),
    );
  });

  it("says why there is no log and no picture", () => {
    const text = textOf(report(NOT_REACHED));
    assert.ok(text.includes("Session log Not available from the guest: Connection refused"));
    assert.ok(text.includes("No picture: the look ended before one was taken."));
    assert.ok(text.includes("Kernel panic - not syncing"));
  });

  it("opens the serial log only for a guest that did not answer", () => {
    const open = (evidence: Evidence): boolean =>
      /<details class="card" open>\n<summary><h3>Serial/.test(report(evidence));
    assert.deepEqual([READY, NOT_READY, NOT_REACHED].map(open), [false, false, true]);
  });

  it("says what was shortened and where all of it is", () => {
    const text = textOf(report(READY));
    assert.ok(
      text.includes(
        "the last 200 lines Shortened; complete log: /var/lib/mirlab/dev/log/mir.serial.log",
      ),
    );
    const png = Buffer.alloc(9 * 1024 * 1024);
    const large = { ...READY, pictures: READY.pictures.map((p) => ({ ...p, png })) };
    assert.ok(textOf(report(large)).includes("Not shown: the picture has 9.0 MiB. Screen,"));
    const many = Array.from({ length: 201 }, () => verdict("boot", "x", "met", "a", "b"));
    assert.ok(
      textOf(report({ ...READY, verdicts: many })).includes(
        "The first 200 of 201; facts.json has all.",
      ),
    );
  });

  it("loads nothing: no address, no script, no foreign style", () => {
    const page = report(NOT_READY);
    assert.doesNotMatch(page, /\b(?:href|srcset|action|on[a-z]+|style)=|https?:|url\(|@import/);
    assert.deepEqual([...new Set(page.match(/src="[^,]*,/g))], ['src="data:image/png;base64,']);
    assert.match(
      page,
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
  });

  it("has the same elements for any text of a guest", () => {
    const withWords = (words: string): Evidence => ({
      ...READY,
      ready: false,
      fault: words,
      verdicts: [
        verdict("boot", words, "unmet", words, words, { remedy: words }),
        verdict("session", words, "skipped", words, words),
      ],
      versions: { [`x${words}`]: words },
      facts: { words },
      sessionLog: { text: words, whole: words },
    });
    const usual = tags(report(withWords("word")));
    const word = fc
      .oneof(fc.string({ unit: "binary", minLength: 1 }), fc.constantFrom(...HOSTILE))
      .map((text) => `word${text.replaceAll(/[\n\r]/g, " ")}`);
    fc.assert(
      fc.property(word, (text) => {
        assert.deepEqual(tags(report(withWords(text))), usual);
      }),
      { numRuns: 200 },
    );
  });

  it("has a bounded size for any text of a guest", () => {
    assert.ok(report(hostileEvidence()).length < 1_500_000);
  });
});

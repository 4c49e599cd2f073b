import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Evidence } from "../../../../components/report/evidence";
import { report } from "../../../../components/report/report";
import { HOSTILE, hostileEvidence, NOT_REACHED, NOT_READY, READY, verdict } from "../../evidence";

/** Tags of a page, in order, without their attributes' values. */
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
      "one that was not reached",
      NOT_REACHED,
      "Not ready: the guest could not be asked 2026-11-25 16:14:28 UTC, under KVM",
    ],
  ];
  for (const [what, evidence, line] of lines) {
    it(`tells the verdict on ${what} in one line`, () => {
      assert.ok(textOf(report(evidence)).includes(line), textOf(report(evidence)).slice(0, 300));
    });
  }

  it("tells first what is missing, then shows the picture, then all checks, facts and logs", () => {
    const headings = [...report(NOT_READY).matchAll(/<h2>(.*?)<\/h2>/g)].map(([, h]) => h);
    assert.deepEqual(headings, [
      "What is missing",
      "Warnings, which fail nothing",
      "Picture",
      "All checks",
      "Versions and facts",
      "Logs",
    ]);
  });

  it("names of an unmet check what was found, what is required, the remedy and where to read", () => {
    assert.ok(
      textOf(report(NOT_READY)).includes(
        "mesa unmet Found 10.1.3 Required >= 10.3.0 Remedy install a newer Mesa by guests[].mesa " +
          "(docs/builds.md), or lower guests[].gates.mesa More docs/checks.md#mesa",
      ),
    );
  });

  it("says why there is no log and no picture", () => {
    const text = textOf(report(NOT_REACHED));
    assert.ok(text.includes("Session log The guest did not tell it: Connection refused"));
    assert.ok(text.includes("No picture: the look ended before one was taken."));
    assert.ok(text.includes("Kernel panic - not syncing"));
  });

  it("opens the serial log of a guest that could not be asked, and of no other", () => {
    const open = (evidence: Evidence): boolean =>
      /<details class="card" open>\n<summary><h3>Serial/.test(report(evidence));
    assert.deepEqual([READY, NOT_READY, NOT_REACHED].map(open), [false, false, true]);
  });

  it("says what was cut and where the whole is", () => {
    const text = textOf(report(READY));
    assert.ok(
      text.includes("the last 200 lines Cut; the whole: /var/lib/mirlab/dev/log/mir.serial.log"),
    );
    const png = Buffer.alloc(9 * 1024 * 1024);
    const large = { ...READY, pictures: READY.pictures.map((p) => ({ ...p, png })) };
    assert.ok(textOf(report(large)).includes("Not shown here: it has 9.0 MiB. Screen,"));
    const many = Array.from({ length: 201 }, () => verdict("boot", "x", "met", "a", "b"));
    assert.ok(
      textOf(report({ ...READY, verdicts: many })).includes(
        "The first 200 of 201; all are in facts.json",
      ),
    );
  });

  it("asks for nothing: no address, no script, no style but its own", () => {
    const page = report(NOT_READY);
    assert.doesNotMatch(page, /\b(?:href|srcset|action|on[a-z]+|style)=|https?:|url\(|@import/);
    assert.deepEqual([...new Set(page.match(/src="[^,]*,/g))], ['src="data:image/png;base64,']);
    assert.match(
      page,
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
  });

  it("makes the same elements whatever words a guest tells", () => {
    const say = (words: string): Evidence => ({
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
    const usual = tags(report(say("word")));
    const word = fc
      .oneof(fc.string({ unit: "binary", minLength: 1 }), fc.constantFrom(...HOSTILE))
      .map((told) => `word${told.replaceAll(/[\n\r]/g, " ")}`);
    fc.assert(
      fc.property(word, (told) => {
        assert.deepEqual(tags(report(say(told))), usual);
      }),
      { numRuns: 200 },
    );
  });

  it("is of bounded size, whatever a guest tells", () => {
    assert.ok(report(hostileEvidence()).length < 1_500_000);
  });
});

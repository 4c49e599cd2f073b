import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { escapeHtml, Html, markup } from "../../../core/html";
import { plainText } from "../../../core/plainText";
import { HOSTILE } from "../evidence";

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HOSTILE));

/** What a browser makes of the five entities. */
const read = (html: string): string =>
  html
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

describe("escapeHtml", () => {
  it("escapes what begins or ends markup, in elements and in quoted attributes", () => {
    assert.equal(
      escapeHtml(`<a b="c" d='e'>&amp;`),
      "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;",
    );
  });

  it("yields no markup, whatever it is given, and loses no text", () => {
    fc.assert(
      fc.property(text, (told) => {
        const escaped = escapeHtml(told);
        assert.doesNotMatch(escaped, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
        assert.equal(read(escaped), plainText(told));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("markup", () => {
  it("takes its own text for markup and every value for text", () => {
    const inner = [markup`<i>${"<b>"}</i>`, markup`<i>${2}</i>`];
    assert.equal(
      markup`<p title="${'"'}">${inner}${undefined}${new Html("<br>")}</p>`.text,
      '<p title="&quot;"><i>&lt;b&gt;</i>\n<i>2</i><br></p>',
    );
  });
});

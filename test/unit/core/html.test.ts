import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { escapeHtml, Html, markup } from "../../../core/html";
import { plainText } from "../../../core/plainText";
import { HOSTILE } from "../evidence";

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HOSTILE));

/** Decodes the five entities, as a browser does. */
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

  it("turns any text into a text without markup, and loses nothing", () => {
    fc.assert(
      fc.property(text, (raw) => {
        const escaped = escapeHtml(raw);
        assert.doesNotMatch(escaped, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
        assert.equal(read(escaped), plainText(raw));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("markup", () => {
  it("treats its literals as markup and every value as text", () => {
    const inner = [markup`<i>${"<b>"}</i>`, markup`<i>${2}</i>`];
    assert.equal(
      markup`<p title="${'"'}">${inner}${undefined}${new Html("<br>")}</p>`.text,
      '<p title="&quot;"><i>&lt;b&gt;</i>\n<i>2</i><br></p>',
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { childrenOf, firstAt, fromXml, toXml, Tree } from "../../../core/xml";
import { fixture, Plain, plainOf, rootOf } from "../support";

const name = fc.constantFrom("disk", "source", "mirlab:owner", "qemu:arg", "x-1");
/** What XML 1.0 can carry. */
// eslint-disable-next-line no-control-regex -- what XML cannot carry
const NOT_XML = /[\u0000-\u0008\u000b\u000c-\u001f\u0085\u2028\ufffd-\uffff]/g;
const text = fc
  .string({ unit: "binary" })
  .map((raw) => raw.toWellFormed().replaceAll(NOT_XML, "&"));
const attributes = fc.dictionary(fc.constantFrom("a", "b", "path"), text, {
  noNullPrototype: true,
});

/** Trees of every shape, and what reading them back must give. */
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc
    .tuple(
      name,
      attributes,
      fc.array(fc.oneof({ depthSize: "small" }, text, tie("tree")), { maxLength: 3 }),
    )
    .map(([n, a, children]): Tree => [n, a, ...children]),
}));

function expected([n, a = {}, ...children]: Tree): Plain {
  const joined: (Plain | string)[] = [];
  for (const child of children) {
    if (child === undefined || child === "") continue;
    const last = joined.at(-1);
    if (typeof child !== "string") joined.push(expected(child));
    else if (typeof last === "string") joined[joined.length - 1] = last + child;
    else joined.push(child);
  }
  const strings = Object.entries(a).map(([key, value]) => [key, String(value)]);
  return {
    name: n,
    attributes: Object.fromEntries(strings) as Record<string, string>,
    children: joined,
  };
}

describe("toXml", () => {
  it("is read back as the tree it was made of, whatever its texts hold", () => {
    fc.assert(
      fc.property(tree, (made) => {
        const xml = toXml(made, ["mirlab", "qemu"]);
        assert.deepEqual(plainOf(rootOf(xml), true), expected(made));
      }),
      { numRuns: 300 },
    );
  });

  it("writes markup as text", () => {
    assert.equal(
      toXml(["a", { b: `"<&'\n` }, "]]> <x/> & é"]),
      `<a b="&quot;&lt;&amp;'&#10;">]]&gt; &lt;x/&gt; &amp; é</a>`,
    );
  });

  it("leaves out children that are undefined", () => {
    assert.equal(toXml(["a", {}, undefined, ["b"], undefined]), "<a><b/></a>");
  });

  for (const bad of ["\u0000", "\u0008", "\r", "\u001b", "\u0085", "\u2028", "\ufffd", "\ufffe"]) {
    it(`refuses ${JSON.stringify(bad)} in texts and attributes`, () => {
      const fault = /^Error: XML cannot carry control characters$/;
      assert.throws(() => toXml(["a", {}, `x${bad}`]), fault);
      assert.throws(() => toXml(["a", { b: bad }]), fault);
    });
  }

  it("refuses half a surrogate pair", () => {
    const fault = /^Error: XML cannot carry half a surrogate pair$/;
    assert.throws(() => toXml(["a", {}, "x\ud800"]), fault);
  });

  it("refuses a prefix that it does not know", () => {
    assert.throws(() => toXml(["evil:a"]), /^Error: unknown XML prefix in 'evil:a'$/);
  });
});

describe("fromXml", () => {
  const bomb = `<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>`;
  for (const document of [bomb, `<!doctype a SYSTEM "file:///etc/passwd"><a/>`]) {
    it(`refuses a document type: ${document.slice(0, 20)}`, () => {
      assert.throws(() => fromXml(document), /^Error: XML with a document type is refused$/);
    });
  }

  for (const document of ["", "text", "<a>", "<a></b>", "<a/><b/>", "<a b=c/>", "<a>&nope;</a>"]) {
    it(`refuses '${document}'`, () => assert.throws(() => fromXml(document)));
  }

  it("says what is malformed in one line, without what a terminal obeys", () => {
    assert.throws(
      () => fromXml("<a>\u001b[2J\n&nope;</a>"),
      (error: Error) => {
        assert.match(error.message, /^malformed XML \(\w+\): [ -~]+$/);
        return true;
      },
    );
  });

  it("answers any text with a document or an error", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."<>/&;!-[]?ab ='\"".split("")) }), (raw) => {
        try {
          assert.ok(fromXml(raw).documentElement);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
    );
  });
});

describe("firstAt and childrenOf", () => {
  const domain = rootOf(fixture("dumpxml-inactive.libvirt-9.0.0.xml"));

  it("walk a document of libvirt's", () => {
    assert.equal(firstAt(domain, "devices", "video", "model")?.getAttribute("type"), "qxl");
    assert.equal(firstAt(domain, "os", "type")?.textContent, "hvm");
    const devices = firstAt(domain, "devices");
    assert.ok(devices);
    assert.deepEqual(
      childrenOf(devices, "disk").map((d) => d.getAttribute("device")),
      ["disk", "cdrom"],
    );
  });

  it("answer nothing for what is not there", () => {
    assert.equal(firstAt(domain, "devices", "nothing", "model"), undefined);
    assert.deepEqual(childrenOf(domain, "nothing"), []);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { childrenOf, firstAt, fromXml, toXml, Tree } from "../../../core/xml";
import { fixture, Plain, plainOf, rootOf } from "../support";

const name = fc.constantFrom("disk", "source", "mirlab:owner", "qemu:arg", "x-1");
/** Characters that XML 1.0 cannot carry, or that `toXml` refuses. */
// eslint-disable-next-line no-control-regex -- control characters are what is removed
const NOT_XML = /[\u0000-\u0008\u000b\u000c-\u001f\u0085\u2028\ufffd-\uffff]/g;
const text = fc
  .string({ unit: "binary" })
  .map((raw) => raw.toWellFormed().replaceAll(NOT_XML, "&"));
const attributes = fc.dictionary(fc.constantFrom("a", "b", "path"), text, {
  noNullPrototype: true,
});

/** Trees of every shape. */
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc
    .tuple(
      name,
      attributes,
      fc.array(fc.oneof({ depthSize: "small" }, text, tie("tree")), { maxLength: 3 }),
    )
    .map(([n, a, children]): Tree => [n, a, ...children]),
}));

/** The result of reading a tree back. */
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
  it("is read back as the same tree, with any text", () => {
    fc.assert(
      fc.property(tree, (original) => {
        const xml = toXml(original, ["mirlab", "qemu"]);
        assert.deepEqual(plainOf(rootOf(xml), true), expected(original));
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

  it("refuses a lone surrogate", () => {
    const fault = /^Error: XML cannot carry a lone surrogate$/;
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

  it("names the fault in one line without control characters", () => {
    assert.throws(
      () => fromXml("<a>\u001b[2J\n&nope;</a>"),
      (error: Error) => {
        assert.match(error.message, /^malformed XML \(\w+\): [ -~]+$/);
        return true;
      },
    );
  });

  it("returns a document or an error for any text", () => {
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

  it("walk a document of libvirt", () => {
    assert.equal(firstAt(domain, "devices", "video", "model")?.getAttribute("type"), "qxl");
    assert.equal(firstAt(domain, "os", "type")?.textContent, "hvm");
    const devices = firstAt(domain, "devices");
    assert.ok(devices);
    assert.deepEqual(
      childrenOf(devices, "disk").map((d) => d.getAttribute("device")),
      ["disk", "cdrom"],
    );
  });

  it("return nothing for missing elements", () => {
    assert.equal(firstAt(domain, "devices", "nothing", "model"), undefined);
    assert.deepEqual(childrenOf(domain, "nothing"), []);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toXml, Tree } from "../../../core/xml";
import { xsltAppending } from "../../../core/xslt";
import { plainOf, rootOf, temporaryFolder } from "../support";

const folder = temporaryFolder();

/** Applies a stylesheet by the libvirt provider's XSLT processor. */
function process(sheet: string, document: string): string {
  const file = join(folder, "sheet.xsl");
  writeFileSync(file, sheet);
  return execFileSync("xsltproc", ["--nonet", file, "-"], { input: document }).toString();
}

const plain = (xml: string) => plainOf(rootOf(xml));

describe("xsltAppending", () => {
  const network =
    `<network xmlns:q="urn:q"><name>n</name><ip address="192.168.1.1" q:x="1">` +
    `<dhcp><range start="a" end="b"/><!-- kept --></dhcp></ip><ip><dhcp/></ip></network>`;

  it("keeps a blank text, which XSLT drops by default", () => {
    assert.match(process(xsltAppending("/a", ["b", {}, " "]), "<a/>"), /<b> <\/b>/);
  });

  it("appends to the named element and copies everything else", () => {
    const host: Tree = ["host", { mac: "52:54:00:00:00:01", ip: "192.168.1.10" }];
    const answer = process(
      xsltAppending("/network/ip[1]/dhcp", host, ["host", { mac: "{x}" }]),
      network,
    );
    assert.deepEqual(
      plain(answer),
      plain(
        network.replace(
          "</dhcp></ip><ip>",
          `<host mac="52:54:00:00:00:01" ip="192.168.1.10"/><host mac="{x}"/></dhcp></ip><ip>`,
        ),
      ),
    );
  });

  it("never evaluates a value", () => {
    const piece = fc.constantFrom("{", "}", "{{", "}}", "1+1", "'", '"', "$x", "a", "<", "&", " ");
    const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.array(value, { minLength: 20, maxLength: 20 }), (values) => {
        const children = values.map((v): Tree => ["v", { a: v }, `.${v}`]);
        const answer = process(xsltAppending("/all", ...children), "<all/>");
        assert.deepEqual(plain(answer), plain(toXml(["all", {}, ...children])));
      }),
      { numRuns: 20 },
    );
  });

  it("does not change a document without that element", () => {
    const answer = process(xsltAppending("/volume", ["backingStore"]), network);
    assert.deepEqual(plain(answer), plain(network));
  });
});

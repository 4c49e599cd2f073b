import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { spiceUri, viewerFile } from "../../../lib/viewer";

describe("viewerFile", () => {
  it("is a virt-viewer connection file", () => {
    assert.equal(
      viewerFile("Mir: mir", 5901),
      "[virt-viewer]\ntype=spice\nhost=127.0.0.1\nport=5901\ntitle=Mir: mir\nfullscreen=0\n",
    );
  });

  it("lets no title add a line", () => {
    const lines = viewerFile("a\nhost=evil\r\u2028b", 1).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.startsWith("host=")),
      ["host=127.0.0.1"],
    );
    assert.ok(lines.includes("title=ahost=evilb"));
  });
});

describe("spiceUri", () => {
  it("is on loopback", () => assert.equal(spiceUri(5901), "spice://127.0.0.1:5901"));
});

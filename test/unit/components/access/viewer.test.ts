import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { spiceUri, viewerFile } from "../../../../components/access/viewer";

describe("viewerFile", () => {
  it("is a virt-viewer connection file", () => {
    assert.equal(
      viewerFile({ title: "Mir: mir", port: 5901 }, "secret"),
      "[virt-viewer]\ntype=spice\nhost=127.0.0.1\nport=5901\npassword=secret\ntitle=Mir: mir\nfullscreen=0\n",
    );
  });

  it("uses only TLS if the screen does, with the authority", () => {
    const screen = { title: "Mir: mir", port: 5901, subject: "CN=mirlab dev mir" };
    const authority = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const lines = viewerFile(screen, "secret", authority).split("\n");
    assert.deepEqual(
      lines.filter((line) => /^(port|tls-port|host-subject|ca)=/.test(line)),
      [
        "tls-port=5901",
        "host-subject=CN=mirlab dev mir",
        "ca=-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----",
      ],
    );
  });

  it("never lets a title add a line", () => {
    const lines = viewerFile({ title: "a\nhost=evil\r\u2028b", port: 1 }, "secret").split("\n");
    assert.deepEqual(
      lines.filter((line) => line.startsWith("host=")),
      ["host=127.0.0.1"],
    );
    assert.ok(lines.includes("title=ahost=evilb"));
  });
});

describe("spiceUri", () => {
  it("is on loopback, or elsewhere by TLS", () => {
    assert.equal(spiceUri({ port: 5901 }), "spice://127.0.0.1:5901");
    const screen = { port: 5901, subject: "CN=mirlab dev mir" };
    assert.equal(spiceUri({ ...screen, address: "192.0.2.1" }), "spice+tls://192.0.2.1:5901");
    assert.equal(spiceUri({ ...screen, address: "2001:db8::1" }), "spice+tls://[2001:db8::1]:5901");
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { imageUrlFault } from "../../../config/imageUrl";

const FORM = "use an http or https URL";
const PLAIN = "plain http is accepted from loopback only; use https";

describe("imageUrlFault", () => {
  const table: [string, string | undefined][] = [
    ["https://images.example/debian.qcow2", undefined],
    ["https://images.example:8443/a?b=c&d#e", undefined],
    ["http://127.0.0.1:8000/x", undefined],
    ["http://localhost/x", undefined],
    ["http://[::1]:80/x", undefined],
    ["http://images.example/x", PLAIN],
    ["http://127.0.0.1.evil.example/x", PLAIN],
    ["http://localhost@evil.example/x", "must not hold a user name or password"],
    ["https://ada:secret@images.example/x", "must not hold a user name or password"],
    ["ftp://images.example/x", FORM],
    ["file:///etc/passwd", FORM],
    ["-o/etc/passwd", FORM],
    ["https://a.example/a b", FORM],
    ["https://a.example/'x", FORM],
    ["https://", FORM],
    ["https://a.example:99999/x", FORM],
    ["", FORM],
  ];
  for (const [url, fault] of table) {
    it(`${fault === undefined ? "accepts" : "refuses"} '${url}'`, () => {
      assert.equal(imageUrlFault(url), fault);
    });
  }
});

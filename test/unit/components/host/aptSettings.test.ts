import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { aptEnvironment, aptSettings } from "../../../../components/host/aptSettings";
import { faultsOf } from "../../config/labs";

describe("host.apt", () => {
  it("is nothing where it says nothing", () => {
    assert.equal(aptSettings({}), undefined);
    assert.equal(aptSettings({ apt: {} }), undefined);
    assert.deepEqual(aptEnvironment(undefined), {});
  });

  it("is one word for each key", () => {
    const settings = aptSettings({
      apt: {
        proxy: "http://[::1]:3142/",
        mirror: "https://m.example/debian/",
        validUntil: "ignore",
      },
    });
    assert.equal(
      settings,
      "proxy=http://[::1]:3142 mirror=https://m.example/debian valid-until=ignore",
    );
    assert.equal(aptSettings({ apt: { proxy: "none" } }), "proxy=DIRECT");
    assert.deepEqual(aptEnvironment("x"), { MIRLAB_APT: "x" });
  });

  it("takes no password and no other word: the file is tracked, and scripts read words", () => {
    for (const proxy of [
      "http://ann:pw@proxy:3128",
      "proxy:3128",
      "http://p:1 x=y",
      "socks5://p:1",
    ])
      assert.match(
        faultsOf({}, { host: { apt: { proxy } } }).join(),
        /host\.apt\.proxy: .*a password belongs in \/etc\/apt\/auth\.conf\.d/,
      );
  });
});

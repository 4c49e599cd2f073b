import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { FirstBoot, metaData, userData } from "../../../../components/domain/cloudInit";
import { NAME } from "../../../../config/names";

const BOOT: FirstBoot = {
  hostname: "mir",
  clientPublicKey: "ssh-ed25519 AAAAclient mirlab",
  hostPrivateKey:
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB==\n-----END OPENSSH PRIVATE KEY-----\n",
  hostPublicKey: "ssh-ed25519 AAAAhost mirlab-dev-mir",
  packages: [],
};

/** As cloud-init reads it: YAML 1.1. */
const read = (text: string): unknown => parse(text, { version: "1.1" });

describe("userData", () => {
  it("is the whole document, with the keys in place and no password anywhere", () => {
    const text = userData(BOOT);
    assert.equal(text.split("\n")[0], "#cloud-config");
    const done = "/var/lib/cloud/instance/mirlab-first-boot-done";
    assert.deepEqual(read(text), {
      bootcmd: [`test -e ${done} || rm -f /var/lib/cloud/instance/sem/config_*`],
      runcmd: [`sync && touch ${done}`],
      hostname: "mir",
      preserve_hostname: false,
      manage_etc_hosts: true,
      disable_root: true,
      ssh_pwauth: false,
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: BOOT.hostPrivateKey, ed25519_public: BOOT.hostPublicKey },
      users: [
        {
          name: "mir",
          shell: "/bin/bash",
          lock_passwd: true,
          groups: ["video", "render", "input"],
          sudo: "ALL=(ALL) NOPASSWD:ALL",
          ssh_authorized_keys: [BOOT.clientPublicKey],
        },
      ],
    });
    assert.doesNotMatch(text, /chpasswd|plain_text|hashed_passwd|^\s*passwd:|default\b/m);
  });

  it("asks for packages only if the image lacks some", () => {
    const document = read(userData({ ...BOOT, packages: ["libgbm1", "mir-demos"] })) as object;
    assert.deepEqual(
      { ...document },
      {
        ...(read(userData(BOOT)) as object),
        package_update: true,
        packages: ["libgbm1", "mir-demos"],
      },
    );
  });

  for (const hostname of ["on", "no", "y", "null", "2024-01-01", "012", "1e3", "0b1", "1-2"]) {
    it(`keeps the guest name '${hostname}' a string`, () => {
      const user = read(userData({ ...BOOT, hostname })) as { hostname: unknown };
      assert.equal(user.hostname, hostname);
      const meta = read(metaData(hostname, "")) as Record<string, unknown>;
      assert.equal(meta["local-hostname"], hostname);
    });
  }

  it("keeps any name and any ASCII text unchanged", () => {
    const line = fc.string({ unit: "grapheme-ascii" }).filter((text) => !/^(<<|=)$/.test(text));
    fc.assert(
      fc.property(fc.stringMatching(NAME), line, line, (hostname, key, packageName) => {
        const boot = { ...BOOT, hostname, hostPrivateKey: key, packages: [packageName] };
        const document = read(userData(boot)) as Record<string, unknown>;
        assert.equal(document.hostname, hostname);
        assert.equal((document.ssh_keys as Record<string, string>).ed25519_private, key);
        assert.deepEqual(document.packages, [packageName]);
      }),
    );
  });
});

for (const bad of ["\t", "\r", "\u0000", "\u0085", "\u2028", "é", "<<", "="]) {
  it(`refuses ${JSON.stringify(bad)}, which PyYAML reads differently`, () => {
    const fault =
      /^Error: first boot: found the text "[^]+"; need printable ASCII, neither '<<' nor '='$/;
    assert.throws(() => userData({ ...BOOT, packages: [bad] }), fault);
    assert.throws(() => metaData(bad, ""), fault);
  });
}

describe("metaData", () => {
  it("names the guest, and an instance that changes with the user data", () => {
    const [one, two] = [read(metaData("mir", "a")), read(metaData("mir", "b"))];
    assert.deepEqual(one, { "instance-id": "mir-ca978112ca1bbdca", "local-hostname": "mir" });
    assert.deepEqual(two, { "instance-id": "mir-3e23e8160039594a", "local-hostname": "mir" });
  });
});

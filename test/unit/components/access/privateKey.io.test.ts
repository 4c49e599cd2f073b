import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { keyFindings } from "../../../../components/access/privateKey.io";
import { findingText } from "../../../../components/host/checks/finding";
import { readLab } from "../../../../config/lab";
import { temporaryFolder } from "../../support";

const folder = temporaryFolder();
const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;

function key(name: string, passphrase: string): string {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", passphrase, "-f", file]);
  return file;
}
const PLAIN = key("plain", "");
const LOCKED = key("locked", "open sesame");
const NONE = join(folder, "none");
const TEXT = join(folder, "text");
writeFileSync(TEXT, "SECRET", { mode: 0o600 });

async function findings(hostKeyFile: string, guestKeyFile?: string) {
  const ssh = (host: string, privateKeyFile: string) => ({
    host,
    privateKeyFile,
    hostKey: HOST_KEY,
  });
  const { lab, faults } = readLab({
    host: { ssh: ssh("lab.example", hostKeyFile) },
    guests: [
      guestKeyFile === undefined
        ? { name: "mir" }
        : {
            name: "desk",
            image: { source: "existing", domain: "desk", ssh: ssh("192.0.2.7", guestKeyFile) },
          },
    ],
  });
  assert.deepEqual(faults, []);
  assert.ok(lab);
  return keyFindings(lab);
}

describe("a key that the user brings", () => {
  it("is fine without a passphrase", async () => {
    const found = await findings(PLAIN, PLAIN);
    assert.deepEqual(
      found.map(({ severity, path }) => [severity, path]),
      [
        ["ok", "host.ssh.privateKeyFile"],
        ["ok", "guests[0].image.ssh.privateKeyFile"],
      ],
    );
  });

  for (const [what, file, message] of [
    [
      "has a passphrase",
      LOCKED,
      /^ssh-key: found \S+ with a passphrase, which an agent does not replace here; need a private key file without a passphrase: .*; fix: a key of the lab's own: ssh-keygen -t ed25519 -N '' -f \S+-lab, add/,
    ],
    ["is not there", NONE, /^ssh-key: found no file \S+; /],
    ["is no key", TEXT, /^ssh-key: found \S+, which is no private key \(.+\); /],
    ["is the public half", `${PLAIN}.pub`, /^ssh-key: found \S+, which is no private key/],
  ] as const) {
    it(`is refused before the host is asked where it ${what}`, async () => {
      for (const [i, at] of [await findings(file), await findings(PLAIN, file)].entries()) {
        const fault = at[i];
        assert.equal(fault?.severity, "fail");
        assert.match(findingText(fault), message);
      }
    });
  }
});

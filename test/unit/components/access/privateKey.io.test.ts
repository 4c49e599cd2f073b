import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { linkAgent, lookAtKeys } from "../../../../components/access/privateKey.io";
import { agentSocket } from "../../../../core/paths";
import { findingText } from "../../../../components/host/checks/finding";
import { Lab } from "../../../../config/schema";
import { readLab } from "../../../../config/lab";
import { Agent } from "../../../integration/sshd";
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

function labWith(hostKeyFile: string, guestKeyFile?: string): Lab {
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
  return lab;
}
const findings = async (...files: [string, string?]) =>
  (await lookAtKeys(labWith(...files))).findings;

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
      /^ssh-key: found \S+ with a passphrase, which is not in the agent; need a private key file without a passphrase, or one whose key is in the SSH agent; fix: ssh-add \S+; or a key of the lab's own: ssh-keygen -t ed25519 -N '' -f \S+-lab, add/,
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

  describe("whose key an agent has", () => {
    const socket = join(folder, "agent.sock");
    let agent!: Agent;
    before(async () => {
      delete process.env.SSH_AUTH_SOCK;
      process.env.MIRLAB_HOME = join(folder, "home");
      agent = await Agent.start(socket);
    });
    after(() => agent.stop());
    const add = async (file: string, passphrase: string): Promise<void> => {
      const copy = `${file}.copy`;
      copyFileSync(file, copy);
      chmodSync(copy, 0o600);
      execFileSync("ssh-keygen", ["-q", "-p", "-P", passphrase, "-N", "", "-f", copy]);
      await agent.add(copy);
      rmSync(copy);
    };

    it("is used by the agent, by a name of its socket that stays", async () => {
      assert.equal((await findings(LOCKED))[0]?.severity, "fail");
      await add(LOCKED, "open sesame");
      const { findings: found, inAgent } = await lookAtKeys(labWith(LOCKED, PLAIN));
      assert.deepEqual(found.map(findingText), [
        `ssh-key: ${LOCKED}, by the agent`,
        `ssh-key: ${PLAIN} (ssh-ed25519)`,
      ]);
      assert.deepEqual([...inAgent], [LOCKED]);
      linkAgent();
      assert.equal(realpathSync(agentSocket()), realpathSync(socket));
    });

    it("is refused where servers would end the login before its turn", async () => {
      execFileSync("ssh-add", ["-q", "-D"], { stdio: "ignore" });
      for (let i = 0; i < 6; i++) await add(key(`other${i}`, "x"), "x");
      await add(LOCKED, "open sesame");
      const [fault] = await findings(LOCKED);
      assert.match(
        fault === undefined ? "" : findingText(fault),
        /found \S+locked as key 7 of the agent, of which a server takes 6; need/,
      );
    });
  });
});

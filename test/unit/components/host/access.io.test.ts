import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hostAccess } from "../../../../components/host/access.io";
import { readLab } from "../../../../config/lab";
import type { HostConfig } from "../../../../config/schema";
import { temporaryFolder } from "../../support";

const folder = temporaryFolder();
const KEY = join(folder, "id_ed25519");
writeFileSync(KEY, "SECRET");
process.env.MIRLAB_HOME = folder;

const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;

function host(ssh?: object): HostConfig {
  const whole = {
    host: "lab.example",
    privateKeyFile: KEY,
    hostKey: `${HOST_KEY} ada@lab`,
    ...ssh,
  };
  const { lab } = readLab({
    guests: [{ name: "a" }],
    host: ssh === undefined ? {} : { ssh: whole },
  });
  assert.ok(lab);
  return lab.host;
}

describe("hostAccess", () => {
  it("is this machine if no other host is declared", () => {
    assert.deepEqual(hostAccess(host(), "dev"), {
      ...{ target: undefined, jump: undefined, uri: "qemu:///system" },
    });
  });

  it("pins one key under the names that OpenSSH and the libvirt provider look up", () => {
    const { target, jump, uri } = hostAccess(host({ port: 2222 }), "dev");
    const known = join(folder, "labs", "dev", "host", "known_hosts");
    assert.equal(
      readFileSync(known, "utf8"),
      `mirlab-host ${HOST_KEY}\n[lab.example]:2222 ${HOST_KEY}\n`,
    );
    assert.equal(jump?.knownHostsFile, known);
    assert.equal(new URL(uri).searchParams.get("knownhosts"), known);
    assert.match(readFileSync(target?.config ?? "", "utf8"), /^Host mirlab-host\n {2}HostName lab/);
    for (const file of [known, target?.config ?? ""])
      assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it("asks the agent for a key that it has, and reads no file then", () => {
    const { uri } = hostAccess(host({}), "dev", new Set([KEY]));
    const { searchParams } = new URL(uri);
    assert.equal(searchParams.get("sshauth"), "agent");
    assert.equal(searchParams.get("keyfile"), null);
  });

  it("writes the same files again", () => {
    assert.deepEqual(hostAccess(host({}), "dev"), hostAccess(host({}), "dev"));
  });

  it("refuses a home with a path that the libvirt provider would expand", () => {
    process.env.MIRLAB_HOME = join(folder, "$HOME");
    const fault =
      /^Error: libvirt URI: found the path '.*\$HOME.*'; need one without '\$' and control characters; fix: choose another MIRLAB_HOME or host\.ssh\.privateKeyFile$/;
    assert.throws(() => hostAccess(host({}), "dev"), fault);
    process.env.MIRLAB_HOME = folder;
  });
});

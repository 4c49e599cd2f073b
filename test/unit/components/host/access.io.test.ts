import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { hostAccess, configureProvider } from "../../../../components/host/access.io";
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

  it("goes through a jump host with the same user and key, for OpenSSH and the provider", () => {
    process.env.MIRLAB_PROVIDER_HOME = join(folder, "provider");
    const { target, jump, uri, provider } = hostAccess(
      host({ jump: { host: "gate.example", port: 2200, hostKey: HOST_KEY } }),
      "far",
    );
    const known = readFileSync(jump?.knownHostsFile ?? "", "utf8");
    assert.match(known, /^mirlab-jump ssh-ed25519 A+\n\[gate\.example\]:2200 ssh-ed25519 A+$/m);
    const config = readFileSync(target?.config ?? "", "utf8");
    assert.match(config, /^ {2}ProxyCommand ssh -F \S+ -W '\[%h\]:%p' mirlab-jump$/m);
    assert.match(
      config,
      /^Host mirlab-jump\n {2}HostName gate\.example\n {2}Port 2200\n {2}User root$/m,
    );
    assert.ok(provider);
    assert.equal(new URL(uri).host, provider.alias);
    assert.deepEqual(provider.text.trim().split(/\n */), [
      ...[`Host ${provider.alias}`, "HostName lab.example", "Port 22"],
      ...["HostKeyAlgorithms ssh-ed25519", `ProxyJump ${provider.alias}-jump`],
      ...[`Host ${provider.alias}-jump`, "HostName gate.example", "Port 2200"],
      "HostKeyAlgorithms ssh-ed25519",
    ]);
    for (let i = 0; i < 2; i++) configureProvider(provider);
    const file = join(folder, "provider", ".ssh", "config");
    assert.equal(readFileSync(file, "utf8"), provider.text);
    configureProvider({ alias: "mirlab-other", text: "Host mirlab-other\n" });
    assert.equal(readFileSync(file, "utf8"), `${provider.text}Host mirlab-other\n`);
  });

  it("asks for the type of the pinned key, where it is not the first that the provider asks for", () => {
    assert.equal(hostAccess(host({}), "dev").provider, undefined);
    const rsa = hostAccess(host({ hostKey: `ssh-rsa ${"A".repeat(68)}` }), "dev");
    assert.match(
      rsa.provider?.text ?? "",
      /HostKeyAlgorithms rsa-sha2-512,rsa-sha2-256,ssh-rsa\n$/,
    );
  });

  it("does not write to the user's own configuration", () => {
    delete process.env.MIRLAB_PROVIDER_HOME;
    const { provider } = hostAccess(host({ hostKey: `ssh-rsa ${"A".repeat(68)}` }), "dev");
    assert.ok(provider);
    assert.throws(
      () => configureProvider(provider),
      /^Error: host\.ssh: found a jump host, or a host key .* fix: use bin\/lab or bin\/pulumi$/,
    );
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

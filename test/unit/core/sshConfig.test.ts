import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  knownHostsAddress,
  knownHostsLine,
  SshHost,
  sshConfigBlock,
} from "../../../core/sshConfig";
import { temporaryFolder } from "../support";

const HOST: SshHost = {
  alias: "mirlab-dev-mir",
  hostName: "127.0.0.1",
  port: 20022,
  user: "mir",
  identityFile: "/a folder/id_ed25519",
  knownHostsFile: "/a folder/known_hosts",
};

/** The options that OpenSSH itself reads from a configuration. */
function understood(config: string, alias: string): Map<string, string> {
  const file = join(temporaryFolder(), "ssh_config");
  writeFileSync(file, config);
  const lines = execFileSync("ssh", ["-G", "-F", file, alias]).toString().trim().split("\n");
  return new Map(lines.map((l) => [l.split(" ")[0] ?? "", l.split(" ").slice(1).join(" ")]));
}

describe("sshConfigBlock", () => {
  const options = understood(sshConfigBlock(HOST), HOST.alias);
  const expected: [string, string][] = [
    ["hostname", "127.0.0.1"],
    ["port", "20022"],
    ["user", "mir"],
    ["identityfile", "/a folder/id_ed25519"],
    ["identitiesonly", "yes"],
    ["userknownhostsfile", "/a folder/known_hosts"],
    ["globalknownhostsfile", "/dev/null"],
    ["hostkeyalias", HOST.alias],
    ["stricthostkeychecking", "true"],
    ["updatehostkeys", "false"],
    ["passwordauthentication", "no"],
    ["kbdinteractiveauthentication", "no"],
  ];
  for (const [option, value] of expected) {
    for (const path of ['/a"b', "/a\\", "/a\n", "/${HOME}"]) {
      it(`refuses the path ${JSON.stringify(path)}, which OpenSSH would read as another one`, () => {
        const fault =
          /^Error: SSH configuration: found path '.*'; need one without quotes, backslashes, control characters and \$\{; fix: choose another MIRLAB_HOME$/;
        assert.throws(() => sshConfigBlock({ ...HOST, identityFile: path }), fault);
      });
    }

    it(`makes OpenSSH use ${option} ${value}`, () => assert.equal(options.get(option), value));
  }

  it("reaches a guest through its jump host, whatever the path of the configuration", () => {
    assert.equal(options.get("proxycommand"), undefined);
    const hop = { ...HOST, alias: "mirlab-host", hostName: "lab.example", port: 22 };
    for (const folder of ["plain", "Ann's Büro", "100 %h", 'a;b $(c) "d']) {
      const config = join(temporaryFolder(), folder, "ssh_config");
      const jump = { alias: hop.alias, config };
      const both = sshConfigBlock({ ...HOST, jump }) + sshConfigBlock(hop);
      mkdirSync(dirname(config), { recursive: true });
      writeFileSync(config, both);
      assert.equal(understood(both, "mirlab-host").get("hostname"), "lab.example");
      // As OpenSSH runs it: tokens expanded, by the user's shell.
      const command = understood(both, HOST.alias).get("proxycommand") ?? "";
      const run = command.replaceAll(/%([%hp])/g, (_, token: string) =>
        token === "h" ? "127.0.0.1" : token === "p" ? "20022" : "%",
      );
      const words = execFileSync("sh", ["-c", `printf '%s\\n' ${run}`])
        .toString()
        .split("\n");
      const expected = ["ssh", "-F", config, "-W", "[127.0.0.1]:20022", "mirlab-host", ""];
      assert.deepEqual(words, expected);
    }
  });

  it("does not affect other hosts", () => {
    assert.equal(understood(sshConfigBlock(HOST), "other").get("hostkeyalias"), undefined);
  });
});

describe("known_hosts", () => {
  it("pins the key without its comment", () => {
    assert.equal(
      knownHostsLine("mirlab-dev-mir", "ssh-ed25519 AAAA ada@home"),
      "mirlab-dev-mir ssh-ed25519 AAAA\n",
    );
    assert.equal(knownHostsLine("a", "ssh-ed25519 AAAA"), "a ssh-ed25519 AAAA\n");
  });

  it("writes an address in the form that OpenSSH looks up", () => {
    assert.equal(knownHostsAddress("lab.example", 22), "lab.example");
    assert.equal(knownHostsAddress("lab.example", 2222), "[lab.example]:2222");
  });
});

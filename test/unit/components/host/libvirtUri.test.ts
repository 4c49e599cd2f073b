import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { libvirtUri } from "../../../../components/host/libvirtUri";
import type { SshHost } from "../../../../core/sshConfig";

const HOST: SshHost = {
  ...{ alias: "mirlab-host", hostName: "lab.example", port: 2222, user: "ada" },
  ...{ identityFile: "/root/.ssh/id", knownHostsFile: "/home/ada/a folder/known_hosts" },
};

describe("libvirtUri", () => {
  it("is this machine's URI without a host", () =>
    assert.equal(libvirtUri(undefined), "qemu:///system"));

  it("pins the host's key, and offers the one key file", () => {
    assert.equal(
      libvirtUri(HOST),
      "qemu+ssh://ada@lab.example:2222/system?keyfile=%2Froot%2F.ssh%2Fid" +
        "&knownhosts=%2Fhome%2Fada%2Fa+folder%2Fknown_hosts&sshauth=privkey",
    );
  });

  it("puts an IPv6 address in brackets", () => {
    const uri = libvirtUri({ ...HOST, hostName: "2001:db8::1" });
    assert.match(uri, /^qemu\+ssh:\/\/ada@\[2001:db8::1\]:2222\/system\?/);
  });

  for (const path of ["/home/$USER/known_hosts", "/${HOME}/k", "/a\nb", "/\ud800"]) {
    it(`refuses the path ${JSON.stringify(path)}, which the provider would expand or refuse`, () => {
      const fault =
        /^Error: libvirt URI: found the path '.*'; need one without '\$' and control characters; fix: choose another MIRLAB_HOME or host\.ssh\.privateKeyFile$/;
      assert.throws(() => libvirtUri({ ...HOST, knownHostsFile: path }), fault);
      assert.throws(() => libvirtUri({ ...HOST, identityFile: path }), fault);
    });
  }
});

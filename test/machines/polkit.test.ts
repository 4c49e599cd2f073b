/**
 * A user with sudo on a machine without systemd, who is not in the group libvirt: real libvirtd, polkit and message
 * bus, in namespaces of the test.
 */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { OWN_ETC, temporaryFolder } from "../unit/support";

const folder = temporaryFolder();
const UID = 23460;
const PACKAGES = ["libvirt-daemon-system", "libvirt-clients", "sudo"];

/** Runs shell text as user `pia`, whose session stays as it was when it began: in no group of the system. */
const asPia = (text: string) =>
  `setpriv --reuid=${UID} --regid=${UID} --clear-groups bash -c '${text}'`;

const INSIDE = `
  set -e
  ${OWN_ETC}
  mkdir "$1/bin"
  for dir in /run /var/log/libvirt /var/lib/libvirt; do mount -t tmpfs -o mode=755 tmpfs "$dir"; done
  echo 'pia:x:${UID}:${UID}::/tmp:/bin/bash' >>/etc/passwd
  echo 'pia:*:19000:0:99999:7:::' >>/etc/shadow
  echo 'pia:x:${UID}:' >>/etc/group
  echo 'pia ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/pia
  chmod 0440 /etc/sudoers.d/pia
  # A machine may ignore set-uid bits on the file system of /usr.
  cp -p /usr/bin/sudo "$1/bin/sudo"
  mount --bind "$1/bin/sudo" /usr/bin/sudo
  ip link set lo up
  trap 'bash scripts/host/libvirtd.sh stop' EXIT
  ${asPia("virsh -c qemu:///system uri 2>/dev/null || echo refused")}
  ${asPia("bash scripts/host/libvirtd.sh start 2>&1")}
  ${asPia("id -nG; virsh -q -c qemu:///system uri; bash scripts/host/libvirtd.sh start 2>&1")}
  bash scripts/host/libvirtd.sh stop 2>&1
  ls /run/mirlab | wc -l`;

describe("libvirt on a machine without systemd", { timeout: 300_000 }, () => {
  before(async () => {
    const made = await run(["scripts/host/packages.sh", "install", ...PACKAGES], {
      timeoutMs: 290_000,
    });
    assert.equal(made.code, 0, made.stderr);
    chmodSync(folder, 0o755);
  });

  it("lets a user with sudo in by polkit, in the session that it makes a member", async () => {
    const argv = ["unshare", "--mount", "--net", "bash", "-c", INSIDE, "test", folder];
    const ended = await run(argv, { timeoutMs: 120_000 });
    const lines = ended.stdout.toString().trim().split("\n");
    assert.equal(ended.code, 0, `${lines.join("\n")}\n${ended.stderr}`);
    assert.deepEqual(lines, [
      "refused",
      "libvirtd: adding pia to the group libvirt, which may manage domains",
      "libvirtd: started",
      "pia",
      "qemu:///system",
      "libvirtd: running",
      "libvirtd: stopped",
      "0",
    ]);
  });
});

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { runOnHost } from "../../../core/link.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const installed = join(temporaryFolder(), "installed");
programs.set("sudo", '[[ $1 != -n ]] || shift; exec "$@"');
programs.set(
  "dpkg-query",
  `case "$*" in
     "--search -- /usr/bin/qemu-img" | "--search -- /usr/bin/qemu-io") echo "qemu-utils: \${*: -1}" ;;
     "--search -- /usr/bin/virsh") echo "libvirt-clients: /usr/bin/virsh" ;;
     *qemu-utils) printf 1:7.2 ;;
     *libvirt-clients) printf 9.0 ;;
     *) exit 1 ;;
   esac`,
);
programs.set("apt-get", `echo "\${*:$(($# - 1))}" >>${installed}`);
const reinstall = (...files: string[]) => runOnHost(undefined, "heal.sh", ["reinstall", ...files]);
const runs = (): string => (existsSync(installed) ? readFileSync(installed, "utf8") : "");
beforeEach(() => rmSync(installed, { force: true }));

describe("heal.sh reinstall", () => {
  it("reinstalls each package once, at its version, however many of its files changed", async () => {
    assert.equal((await reinstall("/usr/bin/qemu-img", "/usr/bin/qemu-io")).code, 0);
    assert.equal(runs(), "-- qemu-utils=1:7.2\n");
    await reinstall("/usr/bin/qemu-img", "/usr/bin/virsh", "/usr/bin/qemu-io");
    assert.equal(runs().split("\n")[1], "qemu-utils=1:7.2 libvirt-clients=9.0");
  });

  it("changes nothing for a file of no package, or without a file", async () => {
    const { code, stderr } = await reinstall("/usr/bin/qemu-img", "/opt/own");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^heal: \/opt\/own: found no package that owns it; need one to reinstall; fix: remove the file by hand$/m,
    );
    assert.equal((await reinstall()).code, 1);
    assert.equal(runs(), "");
  });
});

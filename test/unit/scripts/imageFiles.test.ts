/** Files that the recipe of an image writes into the guest. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { userData } from "../../../components/domain/cloudInit";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

const programs = new FakePrograms();
programs.set("chroot", "exit 0");

/** The tree after `make_guest_files`, whose text is cut out of the script. */
async function tree(): Promise<string> {
  const root = temporaryFolder();
  for (const folder of [
    ...["etc/ssh/sshd_config.d", "etc/systemd/network", "etc/systemd/system", "etc/modprobe.d"],
    ...["etc/cloud/cloud.cfg.d", "var/lib/dbus", "var/lib/systemd"],
  ])
    mkdirSync(join(root, folder), { recursive: true });
  const script = join(ROOT, "scripts", "host", "image-recipe.sh");
  const recipe = `eval "$(sed -n '/^make_guest_files() {/,/^}/p' '${script}')"; make_guest_files "$1" 0-0-0 debian fstrim.timer`;
  const ended = await run(["bash", "-euc", recipe, "recipe", root]);
  assert.equal(ended.code, 0, ended.stderr);
  return root;
}

const FIRST_BOOT = {
  hostname: "mir",
  clientPublicKey: "ssh-ed25519 AAAA",
  hostPrivateKey: "key",
  hostPublicKey: "ssh-ed25519 AAAA",
  packages: [],
};

describe("the guest's files in an image", () => {
  it("takes addresses of both kinds, and routes from the network's routers", async () => {
    const file = join(await tree(), "etc/systemd/network/80-dhcp.network");
    const [, network = ""] = readFileSync(file, "utf8").split("[Network]\n");
    assert.deepEqual(network.trim().split("\n"), ["DHCP=yes", "IPv6AcceptRA=yes"]);
  });

  it("repeats a first boot until the seed's mark is there, which cloud-init writes last", async () => {
    const file = join(await tree(), "etc/systemd/system/mirlab-first-boot.service");
    const [, mark = "no mark"] =
      /^ConditionPathExists=!(.+)$/m.exec(readFileSync(file, "utf8")) ?? [];
    const { runcmd } = parse(userData(FIRST_BOOT)) as { runcmd: string[] };
    assert.deepEqual(runcmd, [`sync && touch ${mark}`]);
  });

  it("masks what its suite names", async () => {
    const unit = join(await tree(), "etc/systemd/system/fstrim.timer");
    assert.equal(readlinkSync(unit), "/dev/null");
  });

  it("has no identity: each guest makes or gets its own", async () => {
    const root = await tree();
    assert.equal(readFileSync(join(root, "etc/machine-id"), "utf8"), "");
  });
});

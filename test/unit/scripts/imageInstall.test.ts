/** image-install.sh with a fake libvirt and ISO image: what an installer gets, and what its end means. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

process.chdir(ROOT);
process.env.MIRLAB_LOOK_SECONDS = "0.1";
const programs = new FakePrograms();
const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const ISO = "an installer";
const DIGEST = `sha256:${createHash("sha256").update(ISO).digest("hex")}`;
writeFileSync(at("a b.iso"), ISO);

const script = (verb: string, ...args: string[]) =>
  run(["bash", "scripts/host/image-install.sh", verb, ...args], { timeoutMs: 20_000 });
const options = ["--digest", DIGEST, "--disk-gib", "4"];
const keyOf = async (...more: string[]): Promise<string> =>
  (await script("key", ...options, ...more)).stdout.toString().trim();

async function build(...more: string[]) {
  const key = await keyOf(...more);
  const place = ["--iso", at("a b.iso"), "--dir", at("images"), "--key", key];
  const ended = await script("build", ...place, ...options, ...more);
  return { ...ended, key, out: ended.stdout.toString().trim() };
}

/** An ISO image with these files; a domain that writes `words` to its serial log, and is gone at the second look. */
function installer(files: readonly string[], words: string): void {
  programs.set(
    "isoinfo",
    `case "$*" in
       *" -f "*) printf '%s\\n' ${files.join(" ")} ;;
       "-d "*) echo 'Volume id: A LABEL' ;;
       *info*) echo 'Debian GNU/Linux 12.9.0 "Bookworm" - Official' ;;
       *) echo "content of \${*: -1}" ;;
     esac`,
  );
  programs.set(
    "virsh",
    `shift 3; case $1 in
       create) cp "$2" ${at("domain.xml")}; work=\${2%/*}; echo ${words} >"$work/serial.log"
         cp "$work/initrd" ${at("initrd")} 2>/dev/null; touch ${at("runs")} ;;
       domstate) [[ -e ${at("runs")} ]] || { echo "error: failed to get domain '$2'" >&2; exit 1; }
         rm ${at("runs")}; echo running ;;
       domdisplay) echo spice://127.0.0.1:5900 ;;
       domstats) echo '  block.0.wr.bytes=1048576'; echo '  cpu.time=5000000000' ;;
     esac`,
  );
}

beforeEach(() => rmSync(at("images"), { recursive: true, force: true }));

describe("image-install.sh", () => {
  it("has a key of the installer, the disk and the answers, and none of where the image comes from", async () => {
    const key = await keyOf();
    assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal(await keyOf("--iso", "https://a.example/x.iso"), key);
    assert.notEqual(await keyOf("--by-hand"), key);
  });

  it("answers Debian's installer by a preseed in its initial RAM disk, and keeps what it wrote", async () => {
    installer(["/linux", "/initrd.gz"], `"mirlab-installed $(basename "\${work#*.install-}")"`);
    const { code, stderr, key, out } = await build();
    assert.equal(code, 0, stderr);
    assert.equal(out, at(`images/${key}.qcow2`));
    assert.ok(existsSync(out));
    const initrd = readFileSync(at("initrd"));
    const added = gunzipSync(initrd.subarray(initrd.indexOf(Buffer.from([0x1f, 0x8b])))).toString();
    assert.match(added, /^0707010{7}1/);
    assert.match(added, /preseed\.cfg\0/);
    assert.match(added, /^d-i mirror\/http\/hostname string \S+$/m);
    assert.ok(added.includes(`mirlab-installed ${key}`));
    const xml = readFileSync(at("domain.xml"), "utf8");
    assert.match(xml, /<cmdline>auto=true priority=critical .*console=ttyS0/);
    assert.match(xml, /<on_reboot>destroy<\/on_reboot>/);
    const again = await build();
    assert.match(again.stderr, /installer: cache hit/);
    const rest = readdirSync(at("images")).filter((name) => name.startsWith(".install"));
    assert.deepEqual(rest, []);
  });

  it("gives Ubuntu's and Fedora's installers their answers on a disk of their label", async () => {
    const rows = [
      [["/casper/vmlinuz", "/casper/initrd"], /<cmdline>autoinstall ds=nocloud/],
      [
        ["/images/pxeboot/vmlinuz", "/images/pxeboot/initrd.img"],
        /<cmdline>inst\.stage2=hd:LABEL=A\\x20LABEL inst\.text/,
      ],
    ] as const;
    for (const [files, arguments_] of rows) {
      rmSync(at("images"), { recursive: true, force: true });
      installer(files, `"mirlab-installed $(basename "\${work#*.install-}")"`);
      const { code, stderr } = await build();
      assert.equal(code, 0, stderr);
      const xml = readFileSync(at("domain.xml"), "utf8");
      assert.match(xml, arguments_);
      assert.match(xml, /answers\.iso/);
    }
  });

  it("says what an installer said last that ended before its work was done", async () => {
    installer(["/linux", "/initrd.gz"], "'No root file system is defined.'");
    const { code, stderr, key } = await build();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /found that the installer ended before its work was done; need an installed system; last words: No root file system is defined\./,
    );
    assert.ok(!existsSync(at(`images/${key}.qcow2`)));
  });

  it("refuses an image that has no installer it knows, or another digest", async () => {
    installer(["/boot/vmlinuz"], "''");
    assert.match(
      (await build()).stderr,
      /need one; fix: set guests\[\]\.image\.unattended to false/,
    );
    const key = await keyOf();
    const wrong = ["--digest", `sha256:${"0".repeat(64)}`, "--disk-gib", "4"];
    const place = ["--iso", at("a b.iso"), "--dir", at("images"), "--key", key];
    const { code, stderr } = await script("build", ...place, ...wrong);
    assert.equal(code, 1);
    assert.match(stderr, /a b\.iso with another digest; need sha256:0{64}; fix: /);
    assert.deepEqual(
      readdirSync(at("images")).filter((name) => name.includes("0000")),
      [],
    );
  });

  it("opens the way to the screen where a person installs, and does not take an empty disk", async () => {
    installer([], "''");
    const { code, stderr } = await build("--by-hand");
    assert.match(
      stderr,
      /install a system with cloud-init, sshd and sudo at spice:\/\/127\.0\.0\.1:5900, then switch it off/,
    );
    assert.match(readFileSync(at("domain.xml"), "utf8"), /<boot dev='cdrom'\/>/);
    assert.equal(code, 1);
    assert.match(stderr, /ended before its work was done/);
  });
});

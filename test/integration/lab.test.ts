/**
 * One lab from the first `up` to `down`, with the real engine, libvirt and a guest. The order
 * matters.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { run } from "../../core/exec.io";
import { driftLab, driftMatrix } from "../drift/run";
import { MUTATIONS } from "../drift/mutations";
import { catches } from "./broken";
import { BROKEN } from "./brokenGuests";
import { CACHE_DIR, ROOT, TestLab, virsh } from "./support";

const STACK = "itest";
const GUEST = "g1";
const DOMAIN = `mirlab-${STACK}-${GUEST}`;
const lab = new TestLab({ stack: STACK, guests: [{ name: GUEST }] });

interface GuestOutputs {
  readonly sshCommand: string;
  readonly screenshot: string;
  readonly viewerFile: string;
  readonly spiceUri: string;
  readonly readiness: string;
  readonly acceleration: string;
  readonly share: string;
  readonly versions: { readonly linux: string; readonly mesa: string; readonly mir: string };
}

async function outputs(): Promise<GuestOutputs> {
  return (await lab.outputs())[GUEST] as unknown as GuestOutputs;
}

const inGuest = (command: string): Promise<string> => lab.inGuest(GUEST, command);

function shareFolder(share: string): string {
  return share.split(" -> ")[0] ?? "";
}

/** Each takes a boot, an `up` of its own or a wait: `npm run test:drift` runs these. */
const BY_HAND = new Set([
  ...["switched-off", "suspended", "undefined", "snapshot-overlay"],
  ...["ports-edited", "ports-removed"],
]);

/** Mutations of the guest without a download or a boot, which take minutes without KVM. */
const IN_GUEST = new Set([
  ...["share-unmounted", "share-unit-edited", "session-unit-edited", "server-arguments"],
  ...["banner-mode", "grub-saved-entry", "group-left", "shell-changed", "password-set"],
  ...["key-added", "keys-mode", "sshd-of-the-lab", "host-name"],
]);

describe("a lab of one guest", () => {
  before(async () => {
    await lab.init();
  });
  after(async () => {
    await lab.dispose();
  });

  it("refuses a faulty configuration with every fault, before it changes anything", async () => {
    lab.configure([
      { name: "G1", vcpu: 2 },
      { name: "a", gates: { kernel: ">= 3.2" } },
    ]);
    const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(text, /guests\[0\]\.name: found "G1"; need lower-case letters/);
    assert.match(text, /guests\[0\]\.vcpu: unknown key; did you mean 'vcpus'\?/);
    assert.match(
      text,
      /guests\[1\]\.gates\.kernel: '>= 3\.2' is below the page's floor '>= 3\.18'; fix: raise it/,
    );
    assert.ok(!existsSync(lab.dataDir), "no folder was made");
    lab.configure([{ name: GUEST }]);
  });

  it("leaves a valid state when up is interrupted while the guest boots", async () => {
    let interrupted = false;
    const [child, ended] = lab.start(["up", "--yes", "--skip-preview"], (text) => {
      if (interrupted || !text.includes("GuestBoot")) return;
      interrupted = true;
      process.kill(-(child.pid ?? 0), "SIGINT");
      setTimeout(() => process.kill(-(child.pid ?? 0), "SIGINT"), 2000);
    });
    const { code } = await ended;
    assert.ok(interrupted, "the guest began to boot");
    assert.notEqual(code, 0);
    const { code: exported } = await lab.pulumi("stack", "export");
    assert.equal(exported, 0);
  });

  it("comes up by a plain `up`, ready", async () => {
    const { code, text } = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    const guest = await outputs();
    assert.equal(guest.readiness, "ready");
    assert.match(guest.versions.linux, /^6\.12\.\d+\S*-amd64$/);
    assert.match(guest.versions.mesa, /^25\.0\./);
    assert.match(guest.versions.mir, /^2\.20\.2/);
    assert.match(guest.acceleration, /^(kvm|tcg): /);
    assert.match(guest.spiceUri, /^spice:\/\/127\.0\.0\.1:\d+$/);
    assert.match(readFileSync(guest.viewerFile, "utf8"), /^type=spice$/m);
  });

  it("has first-boot documents that cloud-init's own schema accepts", async () => {
    assert.match(await inGuest("sudo cloud-init schema --system 2>&1"), /^\s*Valid [^\n]*$/m);
  });

  it("shows Mir on its screen: the picture is not empty", async () => {
    const { screenshot } = await outputs();
    const facts = pictureFacts(readPicture(readFileSync(screenshot)));
    assert.equal(pictureFault(facts), undefined);
    assert.ok(facts.width >= 1024 && facts.height >= 768);
    const keep = process.env.MIRLAB_TEST_PICTURE;
    if (keep !== undefined) writeFileSync(keep, readFileSync(screenshot));
  });

  it("is the declared hardware: SPICE on loopback, QXL with its memory, 9p mapped", async () => {
    const xml = await virsh("dumpxml", DOMAIN);
    assert.match(xml, /<graphics type='spice' port='\d+' autoport='no' listen='127\.0\.0\.1'/);
    assert.match(
      xml,
      /<model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/,
    );
    assert.match(xml, /<filesystem type='mount' accessmode='mapped'/);
    assert.match(xml, /<mirlab:stack>itest<\/mirlab:stack>/);
  });

  it("preview shows no change and meets the policies; a second up changes nothing", async () => {
    const preview = await lab.pulumi("preview", "--expect-no-changes", "--policy-pack", "policies");
    assert.equal(preview.code, 0, preview.text);
    // Advisory policies (a known weakness, TCG) may be violated on this machine.
    assert.match(preview.text, /(✅|⚠️) mirlab@v0\.1\.0/);
    assert.doesNotMatch(preview.text, /\[mandatory\]/);
    const up = await lab.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(up.code, 0, up.text);
  });

  it("keeps no secret and no path of the toolchain in its state", async () => {
    const { code, text } = await lab.pulumi("stack", "export");
    assert.equal(code, 0);
    const key = readFileSync(join(lab.home, "labs", STACK, GUEST, "host_ed25519"), "utf8");
    const secret = key.split("\n")[2] ?? "";
    assert.ok(secret.length > 40);
    for (const canary of [secret, Buffer.from(key).toString("base64"), "BEGIN OPENSSH"]) {
      assert.ok(!text.includes(canary), `the state holds ${canary.slice(0, 16)}...`);
    }
    assert.ok(!text.includes(ROOT), "the state holds the checkout's path");
    assert.ok(!text.includes(`${CACHE_DIR}/toolchain`), "the state holds the toolchain's path");
  });

  it("carries a nonce both ways over the share", async () => {
    const { share } = await outputs();
    const nonce = `${process.pid}-${Date.now()}`;
    writeFileSync(join(shareFolder(share), "from-host"), nonce);
    assert.equal(await inGuest("sudo cat /mnt/share/from-host"), nonce);
    await inGuest(`echo ${nonce}-back | sudo tee /mnt/share/from-guest`);
    assert.equal(
      readFileSync(join(shareFolder(share), "from-guest"), "utf8").trim(),
      `${nonce}-back`,
    );
  });

  it("fails on a gate above the installed version: found, need, fix; then converges", async () => {
    lab.configure([{ name: GUEST, gates: { kernel: ">= 99.1" } }]);
    const failed = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(failed.code, 0);
    assert.match(
      failed.text,
      /kernel: found 6\.12\.\d+\S*-amd64; need >= 99\.1; fix: install a newer kernel/,
    );
    const exported = await lab.pulumi("stack", "export");
    assert.match(exported.text, /"status": "not ready"/, "the measurements are kept");
    lab.configure([{ name: GUEST }]);
    const healed = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(healed.code, 0, healed.text);
  });

  it("fails the deploy when cloud-init has failed, with the module and its log", async () => {
    const again =
      "sudo rm -f /var/lib/cloud/instance/sem/config_scripts_user; sudo cloud-init modules --mode=final || true";
    const script = "/var/lib/cloud/instance/scripts/broken";
    await inGuest(
      `printf '#!/bin/sh\\nexit 3\\n' | sudo install -m 755 /dev/stdin ${script}; ${again}`,
    );
    const { text: urns } = await lab.pulumi("stack", "--show-urns");
    const boot = /urn:\S+::g1-boot/.exec(urns)?.[0] ?? "";
    const failed = await lab.pulumi("up", "--yes", "--skip-preview", "--replace", boot);
    assert.notEqual(failed.code, 0);
    assert.match(failed.text, /mirlab-itest-g1: cloud-init failed/);
    assert.match(failed.text, /--- last lines of \/var\/log\/cloud-init\.log/);
    assert.match(
      failed.text,
      /found error in modules-final: \('scripts-user', .*1 failures \(broken\)/,
    );
    // As the next boot would: cloud-init 25 keeps a stage's errors for as long as its status is there.
    await inGuest(`sudo rm ${script} /var/lib/cloud/data/status.json; ${again}`);
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
  });

  catches(
    { lab, guest: GUEST },
    BROKEN.filter(({ short }) => short === true),
  );

  it("reports a guest that does not answer, and up restores it", async () => {
    await virsh("destroy", DOMAIN);
    const preview = await lab.pulumi("preview", "--expect-no-changes");
    assert.notEqual(preview.code, 0, "a stopped guest is drift");
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
    assert.equal((await outputs()).readiness, "ready");
  });

  it("names every edit of domain, guest and folders, heals it, and is then quiet", async () => {
    // Not the machine's packages and settings: `npm run test:drift` changes those.
    const ofTheLab = MUTATIONS.host.filter(({ mutate }) => String(mutate).includes("$DATA"));
    const inGuest = MUTATIONS.guest.filter(({ id }) => IN_GUEST.has(id));
    const all = [...MUTATIONS.domain, ...ofTheLab, ...inGuest.map((m) => ({ ...m, batch: 3 }))];
    const counts = await driftMatrix(
      await driftLab(STACK, lab.home),
      all.filter(({ id }) => !BY_HAND.has(id)),
      { together: true, quietPreviews: 1 },
    );
    const { tried, seen, healed, falseAlarms } = counts;
    assert.deepEqual({ seen, healed, falseAlarms }, { seen: tried, healed: tried, falseAlarms: 0 });
    assert.ok(tried >= 50, `${tried} were tried`);
  });

  it("takes over a guest when the whole state is lost, and keeps its disk on its older image", async () => {
    const boot = await inGuest("cat /proc/sys/kernel/random/boot_id");
    const uuid = await virsh("domuuid", DOMAIN);
    const disk = await virsh("domblklist", DOMAIN);
    await lab.loseState();
    // As a newer checkout on a new machine: today's image is another one, and nothing of it is built.
    lab.configure([{ name: GUEST, image: { source: "debian", packages: ["sl"] } }]);
    const up = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(up.code, 0, up.text);
    assert.match(up.text, /found this lab's domain, unknown to the state; taking it over/);
    assert.match(up.text, /its image is not the one that is described today .*; it keeps its disk/);
    assert.doesNotMatch(up.text, /image: building/);
    assert.equal(await virsh("domuuid", DOMAIN), uuid);
    assert.equal(await virsh("domblklist", DOMAIN), disk);
    assert.equal(await inGuest("cat /proc/sys/kernel/random/boot_id"), boot);
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
    lab.configure([{ name: GUEST }]);
    const same = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(same.code, 0, same.text);
  });

  it("enlarges the disk of a running guest, which keeps its content", async () => {
    const before = await inGuest("cat /proc/sys/kernel/random/boot_id; df --output=size -BM /");
    await inGuest("echo kept >kept && sync");
    lab.configure([{ name: GUEST, diskGiB: 14, autostart: true }]);
    const preview = await lab.pulumi("preview");
    assert.doesNotMatch(preview.text, /replace|delete/, preview.text);
    const grown = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.equal(grown.code, 0, grown.text);
    const after = await inGuest(
      "cat /proc/sys/kernel/random/boot_id; df --output=size -BM /; cat kept",
    );
    const [bootId, , size = "", kept] = after.split("\n");
    assert.deepEqual([bootId, kept], [before.split("\n")[0], "kept"]);
    assert.match(await virsh("dominfo", DOMAIN), /^Autostart: +enable$/m);
    const grownMiB = Number.parseInt(size, 10) - Number.parseInt(before.split("\n")[2] ?? "", 10);
    assert.ok(grownMiB > 1800, `${grownMiB} MiB more`);
    const quiet = await lab.pulumi("preview", "--expect-no-changes");
    assert.equal(quiet.code, 0, quiet.text);
    lab.configure([{ name: GUEST, diskGiB: 13, autostart: true }]);
    const smaller = await lab.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(smaller.code, 0);
    assert.match(
      smaller.text,
      /virtual size declared 13958643712, found 15032385536; a disk cannot shrink/,
    );
  });

  it("is removed by `down`, which leaves only the user's files", async () => {
    const { share, screenshot } = await outputs();
    const { code, text } = await lab.pulumi(
      "destroy",
      "--yes",
      "--skip-preview",
      "--ignore-protect",
    );
    assert.equal(code, 0, text);
    // `down` stops libvirtd if the lab had started it.
    await run(["bash", join(ROOT, "scripts/host/libvirtd.sh"), "start"]);
    assert.match(await virsh("domstate", DOMAIN), /failed to get domain/);
    assert.match(await virsh("pool-info", `mirlab-${STACK}`), /failed to get pool/);
    assert.ok(!existsSync(screenshot), "the picture is gone");
    assert.ok(!existsSync(join(lab.home, "labs", STACK, GUEST, "id_ed25519")), "the keys are gone");
    assert.ok(!existsSync(join(lab.dataDir, STACK, "pool")), "the pool is gone");
    assert.ok(existsSync(join(shareFolder(share), "from-host")), "files in the share are kept");
    assert.match(text, /kept .*shares\/g1: it is not empty/);
    const left = await run(["pgrep", "-f", `guest=${DOMAIN}`]);
    assert.equal(left.stdout.toString(), "", "no QEMU is left");
  });
});

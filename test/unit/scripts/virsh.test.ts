/** Scripts that change pools, networks and disks: a libvirt that does not answer is never "it is not there". */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { runOnHost } from "../../../core/link.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const folder = temporaryFolder();
const changes = join(folder, "changes");
const files = join(folder, "pool");
mkdirSync(files);
writeFileSync(join(files, "disk.qcow2"), "");
programs.set("sudo", 'shift; exec "$@"');

interface Libvirt {
  /** Names by list verb; `--all` is in the key where it is asked for. */
  readonly lists?: Readonly<Record<string, string>>;
  /** Verbs that libvirt does not answer any more. */
  readonly silent?: readonly string[];
}

/** virsh on such a libvirt; what changes something is noted. */
function libvirt({ lists = {}, silent = [] }: Libvirt): void {
  const cases = Object.entries(lists).map(
    // As virsh prints them: the names of pools have blanks behind them.
    ([asked, names]) => `"${asked}") printf '%-20s\\n' ${names} ;;`,
  );
  programs.set(
    "virsh",
    `shift 3
     case " ${silent.join(" ")} " in *" $1 "*)
       echo 'error: failed to connect to the hypervisor' >&2; exit 1 ;; esac
     case "$*" in
       ${cases.join("\n")}
       list*|pool-list*|net-list*) ;;
       vol-path*) echo ${files}/disk.qcow2 ;;
       vol-dumpxml*) echo "<capacity unit='bytes'>1</capacity>" ;;
       net-info*) echo "Bridge: virbr9" ;;
       version*) echo "Running against daemon: 9.0.0" ;;
       domcapabilities*) exit 1 ;;
       pool-info*) echo "Name: $2"; echo "State: inactive" ;;
       pool-dumpxml*) echo "<path>${files}</path>" ;;
       *) echo "$*" >>${changes} ;;
     esac`,
  );
}

const changed = (): string[] =>
  existsSync(changes) ? readFileSync(changes, "utf8").trim().split("\n") : [];
const heal = (...args: string[]) => runOnHost(undefined, "heal.sh", args);
const orphan = (...args: string[]) => runOnHost(undefined, "orphan.sh", args);

beforeEach(() => rmSync(changes, { force: true }));

describe("a pool", () => {
  it("that is called running is not taken for one that runs", async () => {
    libvirt({ lists: { "pool-list --name --all": "running" } });
    assert.equal((await heal("pool", "running")).code, 0);
    assert.deepEqual(changed(), ["pool-start running", "pool-autostart running"]);
  });

  it("that runs is not started again", async () => {
    libvirt({ lists: { "pool-list --name": "lab other" } });
    await heal("pool", "lab");
    assert.deepEqual(changed(), ["pool-autostart lab"]);
  });

  it("is defined again only where libvirt says that it has none", async () => {
    libvirt({ lists: { "pool-list --name --all": "other labs" } });
    await heal("pool-define", "lab", files);
    assert.equal(changed()[0], `pool-define-as lab dir --target ${files}`);
    rmSync(changes);
    libvirt({ lists: { "pool-list --name --all": "lab" } });
    await heal("pool-define", "lab", files);
    assert.deepEqual(changed(), []);
  });

  it("of a killed run is removed, stopped first where it runs", async () => {
    libvirt({ lists: { "pool-list --name --all": "lab", "pool-list --name": "lab" } });
    assert.equal((await orphan("pool", "lab", files)).code, 0);
    assert.deepEqual(changed(), ["pool-destroy lab", "pool-undefine lab"]);
  });
});

describe("a guest's disk", () => {
  it("is enlarged in the running domain, or in its pool", async () => {
    libvirt({ lists: { "list --name": "mir" } });
    await heal("disk-size", "lab", "disk", "5", "mir");
    assert.deepEqual(changed(), [`blockresize mir ${files}/disk.qcow2 5B`, "pool-refresh lab"]);
    rmSync(changes);
    libvirt({});
    await heal("disk-size", "lab", "disk", "5", "mir");
    assert.deepEqual(changed(), ["vol-resize --pool lab disk 5B"]);
  });
});

describe("a libvirt that does not answer", () => {
  const table: [what: string, silent: string, act: () => ReturnType<typeof run>][] = [
    ["starts no pool", "pool-list", () => heal("pool", "lab")],
    ["defines no pool", "pool-list", () => heal("pool-define", "lab", files)],
    ["starts no network", "net-list", () => heal("network", "lab")],
    ["sets no lease", "net-list", () => heal("lease", "lab", "52:54:00:00:00:01", "192.168.1.2")],
    [
      "resizes no disk of a domain that may run",
      "list",
      () => heal("disk-size", "lab", "disk", "5", "mir"),
    ],
    [
      "is not taken for one without an orphaned pool",
      "pool-list",
      () => orphan("pool", "lab", files),
    ],
    [
      "is not taken for one without an orphaned network",
      "net-list",
      () => orphan("network", "lab", "dev"),
    ],
    ["connects no guest to a network again", "list", () => heal("network", "lab")],
  ];
  for (const [what, silent, act] of table) {
    it(what, async () => {
      libvirt({ silent: [silent] });
      const ended = await act();
      assert.equal(ended.code, 1, ended.stderr);
      assert.match(
        ended.stderr,
        /libvirt: found no answer about its (pool|network|domain)s; need one before anything is changed; fix: npm run doctor$/m,
      );
      assert.deepEqual(changed(), []);
    });
  }

  it("is not taken for one without another network", async () => {
    libvirt({ silent: ["net-list"] });
    const ended = await runOnHost(undefined, "facts.sh", ["quick", folder, folder, "subnets"]);
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(
      ended.stderr,
      /^facts: libvirt: found no answer about its networks; need one to compare host\.natSubnet; fix: npm run doctor$/m,
    );
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { differenceText, Recorded } from "../../../../core/contract";
import { GuestContract } from "../../../../components/guest/contract";
import { guestDifferences, recordOf } from "../../../../components/guest/differences";
import { GuestObservation } from "../../../../components/guest/observation";
import { CONTRACT, observed, writtenThen } from "../../guest";
import { recorded, seenOf } from "./recorded";

type Change = Parameters<typeof observed>[0];

/** The lines for the differences of the fixture's guest with a change. */
function linesOf(
  change?: Change,
  { contract = CONTRACT, known = recorded }: { contract?: GuestContract; known?: Recorded } = {},
): string[] {
  const seen = seenOf(observed(change));
  return guestDifferences(contract, writtenThen(), known, seen).map(differenceText);
}

const fileOf = (list: GuestObservation["files"], path: string) => {
  const found = list?.find((f) => f.path === path);
  assert.ok(found, path);
  return found;
};
const newFile = (path: string) => ({
  ...{ path, kind: "file", mode: "644", owner: "0:0", sha256: "a".repeat(64) },
});
const UNIT = "/etc/systemd/system/mir-session.service";

describe("the guest's contract", () => {
  it("reports nothing for a guest as declared, at the first look and at later ones", () => {
    assert.deepEqual(linesOf(undefined, { known: {} }), []);
    assert.deepEqual(linesOf(), []);
  });

  it("reports nothing that GuestKernel's kernel changed, but everything for an owner's kernel", () => {
    const change: Change = (g) => {
      if (g.kernel === null) return;
      Object.assign(g.kernel, {
        ...{ running: "6.12.9-1", kernel: "6.12.9-1", entry: "x>gnulinux-6.12.9-1-advanced" },
        ...{ saved: "x>gnulinux-6.12.9-1-advanced" },
        commandLine: "BOOT_IMAGE=/boot/vmlinuz-6.12.9-1 root=UUID=1 ro mirlab.trial panic=10",
      });
      g.files?.push(newFile("/etc/default/grub.d/zz-mirlab-kernel.cfg"));
    };
    const kernel = { release: "6.12.9-1", pinned: true };
    assert.deepEqual(linesOf(change, { contract: { ...CONTRACT, kernel } }), []);
    assert.ok(linesOf(change).some((line) => line.startsWith("boot loader: default kernel was ")));
    const after = seenOf(observed(change));
    const known = recordOf(CONTRACT, observed(change), after, recorded);
    const edited: Change = (g) => {
      change(g);
      if (g.kernel !== null) Object.assign(g.kernel, { commandLine: "root=UUID=1 ro nomodeset" });
    };
    assert.deepEqual(linesOf(edited, { contract: { ...CONTRACT, kernel }, known }), [
      "kernel: command line was root=UUID=1 ro, found root=UUID=1 ro nomodeset; up does not repair this, but records it",
    ]);
  });

  const TABLE: readonly (readonly [what: string, change: Change, ...words: string[]])[] = [
    [
      "a share that is not mounted",
      (g) => (g.mounts = g.mounts?.slice(0, 1) ?? null),
      "mount /mnt/share: declared share 9p, found missing; up remounts the share",
    ],
    [
      "something else on the mount point",
      (g) => {
        const on = g.mounts?.[1];
        if (on) Object.assign(on, { source: "tmpfs" });
      },
      "mount /mnt/share: declared share 9p, found tmpfs 9p; up remounts the share",
    ],
    [
      "a mount without nodev",
      (g) => {
        const on = g.mounts?.[1];
        if (on) on.options = "rw,nosuid,access=client,trans=virtio";
      },
      "mount /mnt/share: options declared trans=virtio,access=client,nodev,nosuid, found rw,nosuid,access=client,trans=virtio; up remounts the share",
    ],
    [
      "a session that was stopped",
      (g) => Object.assign(g.units?.["mir-session.service"] ?? {}, { active: false }),
      "unit mir-session.service: declared active, found inactive; up reinstalls the session (the session restarts)",
    ],
    [
      "an edited unit",
      (g) => (fileOf(g.session, UNIT).sha256 = "b".repeat(64)),
      `session file ${UNIT}: content declared 5a3317cafd4a, found bbbbbbbbbbbb; up reinstalls the session (the session restarts)`,
    ],
    [
      "a masked unit",
      (g) =>
        Object.assign(fileOf(g.session, UNIT), { kind: "link to /dev/null", sha256: undefined }),
      `session file ${UNIT}: content declared 5a3317cafd4a, found link to /dev/null; up reinstalls the session (the session restarts)`,
    ],
    [
      "a drop-in",
      (g) => g.session?.push(newFile(`${UNIT}.d/x.conf`)),
      `session file ${UNIT}.d/x.conf: content declared absent, found aaaaaaaaaaaa; up reinstalls the session (the session restarts)`,
    ],
    [
      "a missing package",
      (g) => delete g.packages?.versions.libgbm1,
      "package libgbm1: declared installed, found missing; up installs it (a download in the guest)",
    ],
    [
      "a missing driver",
      (g) => g.packages?.changed?.push({ path: "/usr/lib/dri/swrast_dri.so", state: "missing" }),
      "packaged file /usr/lib/dri/swrast_dri.so: content declared as packaged, found missing; up reinstalls its package (a download in the guest)",
    ],
    [
      "a hold",
      (g) => g.packages?.holds.push("libgbm1"),
      "packages: holds was none, found libgbm1; up does not repair this, but records it",
    ],
    [
      "a new kernel that is not booted yet",
      (g) => Object.assign(g.kernel ?? {}, { kernel: "6.1.0-57-amd64", entry: "0" }),
      "boot loader: default kernel was 6.1.0-56-amd64, found 6.1.0-57-amd64; up does not repair this, but records it",
      "boot loader: default entry was the only one, found 0; up does not repair this, but records it",
    ],
    [
      "another kernel than the default one",
      (g) => Object.assign(g.kernel ?? {}, { running: "6.12.1" }),
      "kernel: running declared the boot loader's 6.1.0-56-amd64, found 6.12.1; a reboot starts the default kernel; up only records this",
    ],
    [
      "a saved entry",
      (g) => Object.assign(g.kernel ?? {}, { saved: "1" }),
      "boot loader: saved entry was none, found 1; up sets it",
    ],
    [
      "an entry for one boot",
      (g) => Object.assign(g.kernel ?? {}, { once: "2" }),
      "boot loader: next boot's entry declared none, found 2; up does not repair this, but records it",
    ],
    [
      "another initial ram disk",
      (g) => Object.assign(g.packages ?? {}, { initrdSha256: "c".repeat(64) }),
      "initrd: content was bb6d92e6cf55, found cccccccccccc; up does not repair this, but records it",
    ],
    [
      "an edited file of the lab's image",
      (g) => (fileOf(g.files, "/etc/default/grub.d/mirlab.cfg").sha256 = "d".repeat(64)),
      "file /etc/default/grub.d/mirlab.cfg: content was 7d0f58573b7d, found dddddddddddd; up restores the file",
    ],
    [
      "another mode of the lab's sudoers file",
      (g) => (fileOf(g.files, "/etc/sudoers.d/90-cloud-init-users").mode = "666"),
      "file /etc/sudoers.d/90-cloud-init-users: mode was 440, found 666; up restores the file",
    ],
    [
      "a file of the owner",
      (g) => g.files?.push(newFile("/etc/modprobe.d/x.conf")),
      "file /etc/modprobe.d/x.conf: content was absent, found aaaaaaaaaaaa; up does not repair this, but records it",
    ],
    [
      "a missing file",
      (g) => (g.files = g.files?.filter((f) => f.path !== "/etc/fstab") ?? null),
      "file /etc/fstab: content was cb4fa15a9102, found absent; up does not repair this, but records it",
    ],
    [
      "a lost group",
      (g) => (g.account ? (g.account.groups = ["video", "input"]) : undefined),
      "account mir: groups declared input render video, found input video; up sets it",
    ],
    [
      "a password",
      (g) => Object.assign(g.account ?? {}, { password: "set" }),
      "account mir: password declared locked, found set; up sets it",
    ],
    [
      "a key of somebody else",
      (g) => g.account?.authorized.keys.push({ fingerprint: "SHA256:zzz", options: "" }),
      "account mir: authorized keys declared SHA256:4wuf66WXL0bN3OYGu3fQ+IF6NgU1C1T0rQXxtEGYlfc, found SHA256:4wuf66WXL0bN3OYGu3fQ+IF6NgU1C1T0rQXxtEGYlfc SHA256:zzz; up rewrites the file",
    ],
    [
      "authorized keys that others may write",
      (g) => Object.assign(g.account?.authorized ?? {}, { mode: "666" }),
      "account mir: authorized_keys file declared 600 mir, found 666 mir; up rewrites the file",
    ],
    [
      "an additional host key",
      (g) => Object.assign(g.hostKeys ?? {}, { "/etc/ssh/ssh_host_rsa_key": "SHA256:rsa" }),
      "ssh host key /etc/ssh/ssh_host_rsa_key: fingerprint was absent, found SHA256:rsa; up does not repair this, but records it",
    ],
    [
      "a host name",
      (g) => Object.assign(g.hostname ?? {}, { running: "other" }),
      "host name: in use declared mir, found other; up sets it",
    ],
    [
      "a clock that is off",
      (g) => (g.time += 7200),
      "clock: set declared right, found 7199 s ahead; up sets it",
    ],
    [
      "a timezone",
      (g) => (g.timezone = "/usr/share/zoneinfo/Europe/Berlin"),
      "clock: timezone was UTC, found Europe/Berlin; up does not repair this, but records it",
    ],
    [
      "a read-only root file system",
      (g) => Object.assign(g.mounts?.[0] ?? {}, { options: "ro,relatime,rw" }),
      "root filesystem: access declared writable, found read-only; up remounts it writable (if that fails, see dmesg in the guest: its disk or file system has errors)",
    ],
    [
      "an enlarged disk that the file system does not fill",
      (g) => Object.assign(g, { rootDisk: { unused: 2 * 1024 ** 3 } }),
      "root disk: unused declared none, found 2048 MiB; up enlarges partition and file system, and keeps their content",
    ],
    [
      "a unit that failed",
      (g) => g.system?.failed.push("mine.service"),
      "systemd: failed units was none, found mine.service; up does not repair this, but records it",
    ],
    [
      "a getty on the session's screen",
      (g) => Object.assign(g.units?.["getty@tty1.service"] ?? {}, { enabled: true }),
      "unit getty@tty1.service: at boot declared disabled, found enabled; up disables it: the session uses this screen",
    ],
    [
      "first-boot errors",
      (g) => (g.cloudInit = "disabled"),
      "cloud-init: result was done, found disabled; up does not repair this, but records it",
    ],
  ];
  for (const [what, change, ...words] of TABLE) {
    it(`reports ${what}`, () => assert.deepEqual(linesOf(change), words));
  }

  const QUIET: readonly (readonly [what: string, change: Change])[] = [
    ["another boot", (g) => (g.bootId = "another")],
    ["another version of a package that is not held", (g) => upgrade(g)],
    ["a tolerated clock difference", (g) => (g.time += 25)],
    [
      "what a running boot has not started yet",
      (g) => {
        Object.assign(g.system ?? {}, { starting: true, failed: ["x.service"] });
        Object.assign(g.units?.["mir-session.service"] ?? {}, { active: false });
        g.mounts = g.mounts?.slice(0, 1) ?? null;
        g.cloudInit = "running";
      },
    ],
    [
      "files that were not read",
      (g) => Object.assign(g.packages ?? {}, { changed: null, initrdSha256: null }),
    ],
    [
      "a kernel path in the command line",
      (g) =>
        Object.assign(g.kernel ?? {}, {
          commandLine: (g.kernel?.commandLine ?? "").replace("-56-", "-57-"),
        }),
    ],
  ];
  function upgrade(g: GuestObservation): void {
    if (g.packages) g.packages.versions.libgbm1 = "22.3.6-1+deb12u3";
  }
  for (const [what, change] of QUIET) {
    it(`does not report ${what}`, () => assert.deepEqual(linesOf(change), []));
  }

  it("does not report a change by the owner after an `up` recorded it", () => {
    const change: Change = (g) => {
      g.packages?.holds.push("libgbm1");
      g.files?.push(newFile("/etc/modprobe.d/x.conf"));
      Object.assign(g.kernel ?? {}, { kernel: "6.1.0-57-amd64", once: "2" });
      g.system?.failed.push("mine.service");
    };
    assert.equal(linesOf(change).length, 5);
    const now = observed(change);
    const known = recordOf(CONTRACT, now, seenOf(now), recorded);
    assert.deepEqual(linesOf(change, { known }), []);
    // The new kernel runs, the entry for one boot is used up, the unit recovered: no differences.
    const later: Change = (g) => {
      change(g);
      Object.assign(g.kernel ?? {}, { running: "6.1.0-57-amd64", once: null });
      Object.assign(g.system ?? {}, { failed: [] });
    };
    assert.deepEqual(linesOf(later, { known }), []);
  });

  it("reports another version of a held package", () => {
    const held: Change = (g) => g.packages?.holds.push("libgbm1");
    const known = recordOf(CONTRACT, observed(held), seenOf(observed(held)), recorded);
    const words = linesOf(
      (g) => {
        held(g);
        upgrade(g);
      },
      { known },
    );
    assert.deepEqual(words, [
      "package libgbm1: held version was 22.3.6-1+deb12u2, found 22.3.6-1+deb12u3; up does not repair this, but records it",
    ]);
  });

  it("reports a part that the guest could not read as unknown", () => {
    const words = linesOf((g) => {
      g.account = null;
      g.errors.push({ fact: "account", message: "PermissionError: /etc/shadow" });
    });
    assert.equal(words.length, 5);
    assert.equal(
      words[0],
      "account mir: groups declared input render video, found unknown (PermissionError: /etc/shadow); up sets it",
    );
  });

  it("checks only session and share of an adopted guest, and records nothing", () => {
    const contract = { session: [], share: CONTRACT.share } as GuestContract;
    const change: Change = (g) => {
      Object.assign(g.account ?? {}, { password: "set" });
      Object.assign(g.units?.["mir-session.service"] ?? {}, { enabled: false });
    };
    assert.deepEqual(linesOf(change, { contract, known: {} }), [
      "unit mir-session.service: at boot declared enabled, found disabled; up reinstalls the session (the session restarts)",
    ]);
    assert.deepEqual(recordOf(contract, observed(change), seenOf(observed(change)), {}), {});
  });

  it("requires no client where none is declared", () => {
    const client = "/etc/mir-session/client";
    const written = writtenThen();
    const without = { ...written, session: written.session.filter((f) => f.path !== client) };
    const seen = seenOf(
      observed((g) => {
        Object.assign(g.units?.["mir-session-client.service"] ?? {}, { active: false });
        g.session = g.session?.filter((f) => f.path !== client) ?? null;
      }),
    );
    assert.deepEqual(guestDifferences(CONTRACT, without, recorded, seen), []);
  });
});

/**
 * Known vulnerabilities of the packages that guests can reach. Data, reviewed on the date below. The
 * doctor also reads the changelogs on the host, so a distribution's fix counts without an entry here.
 */

/** Date of the last review. */
export const ADVISORIES_DATE = "2026-12-02";

/** Which labs an advisory affects. */
export type Concern = "every-lab" | "qxl" | "writable-share" | "user-network";

export interface Advisory {
  readonly id: string;
  /** Source package; its versions are compared. */
  readonly part: string;
  /** Its binary package on the host, with the version and the changelog. */
  readonly package: string;
  /** First fixed upstream version; undefined: none is known. */
  readonly fixedUpstream?: string;
  /** First fixed Debian version by suite, where Debian backported the fix. */
  readonly fixedIn?: Readonly<Record<string, string>>;
  /**
   * `verified`: confirmed in a changelog, the package's source or the publisher's record; see
   * `sources`. `unverified`: reported by others; whether the package has it is not known.
   */
  readonly status: "verified" | "unverified";
  readonly severity: "low" | "medium" | "high";
  readonly concern: Concern;
  /** What it means for a lab. */
  readonly meaning: string;
  readonly fix: string;
  readonly sources: readonly string[];
}

const record = (id: string): string => `https://www.cve.org/CVERecord?id=${id}`;

const UPGRADE = "sudo apt-get update && sudo apt-get install --only-upgrade";
const QEMU = {
  part: "qemu",
  package: "qemu-system-x86",
  fix: `${UPGRADE} qemu-system-x86`,
} as const;
const LIBVIRT = {
  part: "libvirt",
  package: "libvirt-daemon",
  fix: `${UPGRADE} libvirt-daemon`,
} as const;

export const ADVISORIES: readonly Advisory[] = [
  {
    ...QEMU,
    id: "CVE-2026-93834",
    fixedUpstream: "11.1.2",
    status: "verified",
    severity: "high",
    concern: "writable-share",
    meaning:
      "a user of a guest can escape from a writable 9p share and access the host as QEMU's user",
    // The publisher advises against 9p altogether. On a read-only export QEMU refuses Tlcreate before
    // it reaches the racing code.
    fix:
      "set guests[].share.readonly: true or share.enabled: false, share only with guests you trust, or install " +
      "QEMU 11.1.2 or newer (Debian 13: host.qemu: backports)",
    sources: [
      record("CVE-2026-93834"),
      "https://gitlab.com/qemu-project/qemu/-/work_items/4491",
      "changelog of qemu-system-common, 1:11.1.2+ds-1; those of 1:10.0.13+ds-0+deb13u1 and 1:7.2+dfsg-7+deb12u18 do not name it",
      "hw/9pfs of Debian's 1:7.2+dfsg-7+deb12u18: v9fs_walk reads fidp->path without the lock under which v9fs_co_open2 replaces it",
    ],
  },
  {
    part: "libslirp",
    package: "libslirp0",
    id: "CVE-2026-9539",
    fixedUpstream: "4.9.2",
    fixedIn: { trixie: "4.8.0-1+deb13u1" },
    status: "verified",
    severity: "medium",
    concern: "user-network",
    meaning:
      "root in a guest on network.mode user can read the memory of its QEMU process on the host",
    fix: "set guests[].network.mode: nat, which does not use libslirp, or give root only to people you trust",
    sources: [
      "https://gitlab.freedesktop.org/slirp/libslirp/-/work_items/93",
      "src/socket.c of Debian's 4.7.0-1: sosendoob sends so_urgc bytes, whatever the buffer holds",
      "changelogs of libslirp0, 4.8.0-1+deb13u1 and 4.9.2-1",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2026-17588",
    fixedUpstream: "11.1.2",
    status: "unverified",
    severity: "medium",
    concern: "every-lab",
    meaning:
      "root in a guest may corrupt QEMU's memory through the USB controller of tablet and keyboard",
    sources: [
      "https://gitlab.com/qemu-project/qemu/-/commit/ed582623e2372fdf862a804d122766052aba81c7",
      "changelog of qemu-system-common, 1:11.1.2+ds-1",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2026-16271",
    fixedUpstream: "11.1.2",
    status: "unverified",
    severity: "medium",
    concern: "qxl",
    meaning:
      "root in a guest can set a QXL surface whose rows are shorter than its width, which QEMU did not check",
    sources: [
      record("CVE-2026-16271"),
      "changelog of qemu-system-common, 1:11.1.2+ds-1: validate primary surface stride against width",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2021-4206",
    fixedUpstream: "7.1.0",
    fixedIn: { bookworm: "1:7.2+dfsg-1" },
    status: "verified",
    severity: "high",
    concern: "qxl",
    meaning: "root in a guest can overflow QEMU's heap with a QXL cursor",
    sources: [
      record("CVE-2021-4206"),
      "ui/cursor.c of Debian's 7.2+dfsg: cursor_alloc bounds its sizes",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2021-4207",
    fixedUpstream: "7.1.0",
    fixedIn: { bookworm: "1:7.2+dfsg-1" },
    status: "verified",
    severity: "high",
    concern: "qxl",
    meaning:
      "root in a guest can overflow QEMU's heap by changing a QXL cursor while QEMU reads it",
    sources: [
      record("CVE-2021-4207"),
      "hw/display/qxl-render.c of Debian's 7.2+dfsg: qxl_cursor reads the sizes once",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2022-4144",
    fixedUpstream: "7.2.0",
    fixedIn: { bookworm: "1:7.2+dfsg-1" },
    status: "verified",
    severity: "medium",
    concern: "qxl",
    meaning: "a guest can crash its QEMU with a QXL command that ends beyond its memory",
    sources: [
      record("CVE-2022-4144"),
      "hw/display/qxl.c of Debian's 7.2+dfsg: qxl_phys2virt is given the size",
    ],
  },
  {
    ...QEMU,
    id: "CVE-2023-2861",
    fixedIn: { bookworm: "1:7.2+dfsg-7+deb12u1" },
    fixedUpstream: "8.1.0",
    status: "verified",
    severity: "medium",
    concern: "writable-share",
    meaning: "a guest can open device files of the host that lie in a 9p share",
    sources: [record("CVE-2023-2861"), "changelog of qemu-system-x86, 1:7.2+dfsg-7+deb12u1"],
  },
  {
    part: "spice",
    package: "libspice-server1",
    id: "CVE-2020-14355",
    fixedUpstream: "0.15.0",
    fixedIn: { bookworm: "0.14.3-2" },
    status: "verified",
    severity: "medium",
    concern: "every-lab",
    meaning: "a SPICE client can overflow a buffer in QEMU with an image",
    fix: `${UPGRADE} libspice-server1`,
    sources: [record("CVE-2020-14355"), "changelog of libspice-server1, 0.14.3-2"],
  },
  {
    ...LIBVIRT,
    id: "CVE-2019-10161",
    fixedUpstream: "5.4.1",
    status: "verified",
    severity: "high",
    concern: "every-lab",
    meaning: "a read-only client of libvirt can run programs as root",
    sources: [record("CVE-2019-10161")],
  },
  ...["CVE-2024-1441", "CVE-2024-2494", "CVE-2024-2496"].map((id): Advisory => ({
    ...LIBVIRT,
    id,
    fixedUpstream: "10.2.0",
    fixedIn: { bookworm: "9.0.0-4+deb12u1" },
    status: "verified",
    severity: "medium",
    concern: "every-lab",
    meaning: "a local user can crash libvirt's daemon",
    sources: [record(id), "changelog of libvirt-daemon, 9.0.0-4+deb12u1"],
  })),
];

/** Debian packages, and which line of the page each stands for. Pure data. */

import type { HostConfig } from "../../config/schema";

export interface HostPackage {
  readonly name: string;
  readonly why: string;
}

/** What a lab host needs; the page's three packages under their names of today, and their helpers. */
export const HOST_PACKAGES: readonly HostPackage[] = [
  { name: "qemu-system-x86", why: "the page's qemu-kvm" },
  { name: "qemu-utils", why: "qemu-img, for images" },
  { name: "libvirt-daemon-system", why: "the daemon that virt-manager talks to" },
  { name: "libvirt-clients", why: "virsh" },
  { name: "mmdebstrap", why: "builds the guest image from the signed archive" },
  { name: "debian-archive-keyring", why: "the keys that sign that archive" },
  { name: "fdisk", why: "partitions the guest image" },
  { name: "e2fsprogs", why: "creates its file system" },
  { name: "xsltproc", why: "the libvirt provider's way to devices its schema lacks" },
  { name: "genisoimage", why: "writes the seed disk of a first boot" },
  { name: "openssh-client", why: "ssh and ssh-keygen" },
  { name: "curl", why: "downloads cloud images" },
  { name: "iproute2", why: "finds free ports" },
  { name: "dnsmasq-base", why: "addresses of libvirt's network, for network.mode nat" },
];

const SPICE: HostPackage = {
  name: "qemu-system-modules-spice",
  why: "SPICE and QXL of QEMU, which it only recommends",
};

/**
 * What a release keeps in packages of their own, by its code name. Debian's four are held against its archive by
 * test/machines/archive.test.ts. Ubuntu's archive was not asked: 24.04 is by its users' reports, 26.04 by its descent
 * from Debian 13.
 */
export const RELEASE_PACKAGES: Readonly<Record<string, readonly HostPackage[]>> = {
  bookworm: [],
  trixie: [SPICE],
  forky: [SPICE],
  sid: [SPICE],
  noble: [SPICE],
  resolute: [SPICE],
};

/** What a host of this release needs; of an unknown one, what all need. */
export function hostPackages(codeName: string, viewers = false): readonly HostPackage[] {
  const own = RELEASE_PACKAGES[codeName] ?? [];
  return [...HOST_PACKAGES, ...own, ...(viewers ? VIEWER_PACKAGES : [])];
}

/** Arguments of scripts/host/packages.sh for the host's choice of QEMU. */
export const packageArgs = (
  verb: "missing" | "install" | "require",
  names: readonly string[],
  qemu: HostConfig["qemu"] | undefined,
): string[] => [verb, ...(qemu === "backports" ? ["--qemu-from", qemu] : []), ...names];

/** Dependencies of those above that a running guest uses: daemon, drivers, firmware, SPICE. */
export const HOST_PARTS: readonly string[] = [
  "libspice-server1",
  "libvirt-daemon",
  "libvirt-daemon-driver-qemu",
  "libvirt0",
  "qemu-system-common",
  "qemu-system-data",
  "seabios",
];

/**
 * Useful only on a desktop: the page's virt-manager and python-spice-client-gtk (now inside
 * virt-viewer). They pull in a desktop's libraries, so a headless lab gets them only on request.
 */
export const VIEWER_PACKAGES: readonly HostPackage[] = [
  { name: "virt-manager", why: "the page's virt-manager" },
  { name: "virt-viewer", why: "the page's SPICE client" },
];

/** What a foreign Debian or Ubuntu image needs on top for the gates and the session. */
export const GUEST_PACKAGES: readonly string[] = [
  "fonts-dejavu-core",
  "foot",
  "libegl-mesa0",
  "libegl1",
  "libgbm1",
  "libgl1-mesa-dri",
  "libgles2",
  "mesa-utils",
  "mir-demos",
  "mir-platform-graphics-gbm-kms",
  "mir-test-tools",
  "pciutils",
  "qemu-guest-agent",
];

/** Packages that every guest needs to draw a picture. */
export const PICTURE_PACKAGES: readonly string[] = [
  ...["libegl-mesa0", "libegl1", "libgbm1", "libgl1-mesa-dri", "libgles2"],
  ...["mir-platform-graphics-gbm-kms", "mir-test-tools"],
];

/** Programs that the machine that runs Pulumi needs when the lab host is another one, and their packages. */
export const CLIENT_PROGRAMS = [
  { program: "ssh", name: "openssh-client" },
  // The libvirt provider runs it here.
  { program: "xsltproc", name: "xsltproc" },
] as const;

/** Packages by role: the lab host itself, or the machine that drives a remote lab host. */
export function packagesFor(role: "host" | "client"): readonly string[] {
  return (role === "client" ? CLIENT_PROGRAMS : HOST_PACKAGES).map(({ name }) => name);
}

/**
 * Faults that people meet on machines of their own, each with the tests that hold its mend. `npm run
 * test:machines` runs them; the table in docs/tested.md is generated from this one.
 */

import { TestRef, testsOf as at } from "../testRef";

export interface Row {
  readonly id: string;
  /** What a person has, or does. */
  readonly when: string;
  /** What is true then. Empty: nothing holds it yet. */
  readonly then: string;
  readonly test: readonly TestRef[];
}

const unit = (file: string, ...names: string[]): TestRef[] => at(`test/unit/${file}`, ...names);
const PROBE = "scripts/kvmProbe";

export const ROWS: readonly Row[] = [
  {
    ...{ id: "D1", when: "bash is upgraded, or another machine runs the stack" },
    then: "an image's key is of its content, and the guest keeps its disk",
    test: unit("scripts/imageKey", "is the same whatever shell prints"),
  },
  {
    ...{ id: "D2", when: "recipe, package list, suite or image URL changes" },
    then: "`up` reports it and keeps the disk; `lab reset GUEST` makes the guest anew, and undoes itself where that fails",
    test: [
      ...unit("components/image/rootDisk", "stays as it is once a guest has booted"),
      ...unit("components/lab/rootDisks", "are not taken from a guest that is no longer declared"),
      ...unit("cli/reset", "gives the old disk back", "takes no silence for a yes"),
    ],
  },
  {
    ...{ id: "D3", when: "`pulumi stack rename`" },
    then: "the lab keeps its name, its keys and its disks",
    test: [
      ...unit("components/lab/recorded", "is the lab's own name"),
      ...unit("components/lab/labName.io", "is the recorded one", "is refused to a new stack"),
    ],
  },
  {
    ...{ id: "D4", when: "libvirtd restarts while a guest is shut down" },
    then: "its silence is no answer: nothing is switched off",
    test: unit("components/domain/power.io", "waits for a libvirtd", "leaves a domain alone"),
  },
  {
    ...{ id: "D5", when: "`onDrift: restart-at-next-boot` or `report`" },
    then: "a running guest is left alone, and a report undoes nothing",
    test: [
      ...unit(
        "components/domain/contract.provider",
        "leaves a running guest alone then",
        "does not undo drift that is only to be reported",
      ),
      ...unit("components/host/differences", "leaves the disk of a running guest alone"),
      ...unit("components/guest/contract.provider", "only reports after a reboot"),
    ],
  },
  {
    ...{ id: "R1", when: "sudo with a password" },
    then: "it is asked once, at the terminal; every script has its ticket",
    test: [
      ...at("test/machines/sudo", "sudo, as people have it"),
      ...unit("core/exec.io", "leaves a program in this session"),
    ],
  },
  {
    ...{ id: "R2", when: "the first `up` of a user who is not in the group `libvirt`" },
    then: "`up` makes the user a member, which needs no new login: polkit decides, with systemd or without",
    test: [
      ...at("test/machines/polkit", "lets a user with sudo in by polkit"),
      ...unit("scripts/libvirtd", "makes the user a member", "says what to do where"),
      ...unit("components/host/checks/libvirt", "checkHost, of libvirt"),
    ],
  },
  {
    ...{ id: "R3", when: "`host.dataDir` or `host.cacheDir` is a folder that is there" },
    then: "it keeps mode and owner, and stays when the lab goes",
    test: [
      ...unit("scripts/folders", "leaves a data folder that was there", "makes a data folder and"),
      ...unit(PROBE, "leaves the mode of a cache that is there"),
    ],
  },
  {
    ...{ id: "R5", when: "two users of one host" },
    then: "they share the images: the folder is root's, and no user's",
    test: at("test/machines/viewer", "takes an image that another user has built"),
  },
  {
    ...{ id: "R4", when: '`auth_unix_rw = "none"` in libvirtd.conf' },
    then: "it is drift: Debian's default is polkit",
    test: unit("components/host/differences", "differences of the host"),
  },
  {
    ...{ id: "E1", when: "LANGUAGE=de, as Debian's installer sets it" },
    then: "scripts read English",
    test: [
      ...unit("scripts/locale", "the locale of scripts"),
      ...unit("core/link.io", "the locale of a script"),
    ],
  },
  {
    ...{ id: "E2", when: "NODE_ENV=production, or npm's omit=dev" },
    then: "nothing that `up` needs is left out",
    test: unit("supply/dependencies", "what the program and the verbs load"),
  },
  {
    ...{ id: "E3", when: "/tmp is mounted noexec" },
    then: "the probe of KVM runs nothing from it",
    test: unit(PROBE, "runs nothing from a TMPDIR"),
  },
  {
    ...{ id: "E4", when: "/tmp is full, or a step of the probe fails" },
    then: "the probe fails, and keeps neither an answer nor a guest",
    test: unit(PROBE, "fails, and keeps neither", "fails, and caches no verdict"),
  },
  {
    ...{ id: "E5", when: "apt has a proxy, a mirror with a password, or a private CA" },
    then: "image, build roots and guests go the same way; passwords are in no state, log or image",
    test: [
      ...unit("scripts/aptWay", "the way of the host's apt"),
      ...unit("components/domain/seed.provider", "gives the guest the way of the host's apt"),
    ],
  },
  {
    ...{ id: "E6", when: "HOME or MIRLAB_HOME with blanks, quotes, umlauts" },
    then: "OpenSSH, the engine and the printed lines take it",
    test: [
      ...unit("core/sshConfig", "reaches a guest through its jump host"),
      ...unit("core/quote", "shellLine"),
      ...at("toolchain/test/home", "may have any name that a folder can have"),
    ],
  },
  {
    ...{ id: "E7", when: "the first `up` of a clone" },
    then: "no tracked file changes: the engine's salt is in MIRLAB_HOME",
    test: at("toolchain/test/stackfile", "a stack's file"),
  },
  {
    ...{ id: "E8", when: "`npm run drift` in a new clone" },
    then: "it creates no stack",
    test: unit("cli/verbs", "creates no stack"),
  },
  {
    ...{ id: "E9", when: "Ctrl-C" },
    then: "everything that a verb started ends",
    test: unit("cli/terminal", "a signal to a verb alone"),
  },
  {
    ...{ id: "E10", when: "TMPDIR of another machine, or umask 077" },
    then: "/tmp is used; what others have to read is readable",
    test: [
      ...unit("scripts/locale", "the folder for temporary files of scripts"),
      ...at("toolchain/test/home", "does without a TMPDIR"),
      ...unit("scripts/folders", "makes a data folder and those above it readable"),
    ],
  },
  {
    ...{ id: "H1", when: "Ubuntu, or lists of packages that were never fetched" },
    then: "the probe boots the host's own kernel",
    test: unit(PROBE, "accepts an accelerator that boots"),
  },
  {
    ...{ id: "H2", when: "Debian 13 or Ubuntu 24.04: SPICE and QXL are in a package of their own" },
    then: "it is installed with QEMU",
    test: unit("scripts/packages", "packages.sh, of what a release has split off"),
  },
  {
    ...{ id: "H3", when: "several guests try KVM at once" },
    then: "one probe guest answers all",
    test: unit(PROBE, "boots one guest for all"),
  },
  {
    ...{ id: "H4", when: "KVM is repaired, or lost" },
    then: "the next `up` moves the guest; `doctor --renew` asks again",
    test: [
      ...unit("components/lab/recorded", "makes the probe run again"),
      ...unit(PROBE, "probes again where it is asked to", "probes again for another QEMU"),
    ],
  },
  {
    ...{ id: "H5", when: "a slow host whose KVM works" },
    then: "a guest whose kernel speaks is waited for",
    test: unit(PROBE, "waits longer for a guest whose kernel speaks"),
  },
  {
    ...{ id: "H6", when: "the lab's subnet is in use" },
    then: "it is refused before anything is touched",
    test: unit("components/host/checks/network", "checkHost, of the subnet", "overlap"),
  },
  {
    ...{ id: "H7", when: "ZFS holds the memory" },
    then: "what it gives back counts; `host.memory: overcommit` overrules",
    test: [
      ...unit("components/host/facts", "reads what the script prints"),
      ...unit("components/host/checks/machine", "only warns of little memory"),
    ],
  },
  {
    ...{ id: "H8", when: "a host with IPv6 alone" },
    then: "guests take addresses of both kinds",
    test: unit("scripts/imageFiles", "takes addresses of both kinds"),
  },
  {
    ...{ id: "H9", when: "two start libvirtd at once, without systemd" },
    then: "one starts it, and its note stays",
    test: unit("scripts/libvirtd", "is started once by two"),
  },
  {
    ...{ id: "H10", when: "a pool is called `running`" },
    then: "it is taken for what it is",
    test: unit("scripts/virsh", "that is called running is not taken"),
  },
  {
    ...{ id: "H11", when: "a package manager upgrades the recorded engine" },
    then: "it is looked at again",
    test: at("toolchain/test/system", "looks again where a package manager"),
  },
  {
    ...{ id: "H12", when: "many files of one package have changed" },
    then: "it is reinstalled once",
    test: unit("scripts/heal", "reinstalls each package once"),
  },
  {
    ...{ id: "H13", when: "the host's own nftables drop what they do not accept" },
    then: "the doctor names each chain in the way of a guest on `network.mode: nat`, and the rules that let it pass",
    test: at("test/machines/firewall", "is named by chain; its remedy, pasted, is enough"),
  },
  {
    ...{ id: "S1", when: "a key with a passphrase, or on a token" },
    then: "each client takes it from the SSH agent; where no agent has it, it is refused before anything is touched",
    test: unit("components/access/privateKey.io", "a key that the user brings"),
  },
  {
    ...{ id: "S2", when: "a lab host behind a jump host, or whose pinned key is not ed25519" },
    then: "each client reaches it: OpenSSH, and the libvirt provider by a configuration of its own",
    test: at("test/integration/remoteHost", "is reached through a jump host by each client"),
  },
  {
    ...{ id: "S3", when: "a lab host whose sshd forwards nothing" },
    then: "the doctor tries each client's way, and names sshd's setting",
    test: at("test/integration/remoteHost", "is refused by a doctor where its sshd"),
  },
  {
    ...{ id: "G1", when: "a domain called `Ubuntu 24.04 Büro`" },
    then: "it is adopted, and given back to the letter",
    test: at("test/integration/adopted", "has the page's hardware", "is observed by the host's"),
  },
  {
    ...{ id: "G2", when: "a domain of qemu:///session (GNOME Boxes)" },
    then: "it is adopted by its user, without rights of root, and given back to the letter",
    test: at("test/machines/session", "is adopted by its user"),
  },
  {
    ...{ id: "G3", when: "a domain without a free USB port" },
    then: "its tablet is on virtio",
    test: at("test/integration/adopted", "gets its tablet on virtio"),
  },
  {
    ...{ id: "G4", when: "the display manager of an adopted desktop holds the card" },
    then: "session and harness name it, and the command that ends it",
    test: unit("components/readiness/checks/index", "a screen that a display manager holds"),
  },
  {
    ...{ id: "G5", when: "Ubuntu's cloud image: qxl is in linux-modules-extra" },
    then: "the remedy names it",
    test: unit("components/readiness/checks/index", "names Ubuntu's package of the QXL module"),
  },
  {
    ...{ id: "G6", when: "QXL freezes, and unit and Wayland still answer" },
    then: "a preview names the signs, and `up` proves the screen by a new picture",
    test: [
      ...unit("scripts/signs", "signs of a frozen display"),
      ...unit("components/readiness/readinessRead", "trusts no picture of a time before"),
    ],
  },
  {
    ...{ id: "G7", when: "`video.vramKiB: 100000`" },
    then: "it is refused with the value that libvirt would make of it",
    test: unit("config/guestFaults", "of a guest: video memory that libvirt rounds up"),
  },
  {
    ...{ id: "G8", when: "an emulated guest" },
    then: "it has no AVX, which TCG translates wrongly for llvmpipe",
    test: unit(
      "components/domain/definition",
      "passes the host's processor through under KVM only",
    ),
  },
];

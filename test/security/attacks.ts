/**
 * Attacks on a lab, each with its defence and the tests that try it. The table in `SECURITY.md` is
 * generated from this one.
 */

import { TestRef, testsOf } from "../testRef";

export interface Attack {
  readonly id: string;
  /** What the attacker does. */
  readonly attack: string;
  /** What prevents the attack. */
  readonly defence: string;
  readonly test: readonly TestRef[];
}

const at = (file: string, ...names: string[]): TestRef[] => testsOf(`test/${file}`, ...names);

const VIOLATIONS = at(
  "integration/policy",
  "name each violated policy of an exported state once, without a stack",
);

export const ATTACKS: readonly Attack[] = [
  {
    id: "S1",
    attack: "Impersonate the server of an SSH connection that declares no host key.",
    defence:
      "The policy host-key-pinned stops the preview; the lab's own connections always pin the key.",
    test: [...at("policy/resources", "policy host-key-pinned"), ...VIOLATIONS],
  },
  {
    id: "S2",
    attack: "Impersonate a guest or a host with another SSH host key.",
    defence: "Every connection pins one key, and refuses another before it runs anything.",
    test: [
      ...at(
        "integration/hostKey",
        "is refused at once, with nothing run in it",
        "is refused as well when it has no key of the pinned kind",
        "never got a login with the wrong key",
      ),
      ...at("integration/remoteHost", "is refused when its key is not the pinned one"),
    ],
  },
  {
    id: "S3",
    attack: "Impersonate libvirt on a connection that is plain or does not verify the server.",
    defence: "The policy no-plain-or-unverified-libvirt-uri stops the preview.",
    test: [...at("policy/resources", "policy no-plain-or-unverified-libvirt-uri"), ...VIOLATIONS],
  },
  {
    id: "S4",
    attack: "Read a screen that listens in clear text on an address that other machines reach.",
    defence:
      "The configuration refuses such an address; the policy spice-not-exposed stops other domains of the program.",
    test: [
      ...at("unit/config/guestFaults", "refuses a screen that others could reach in clear text"),
      ...VIOLATIONS,
    ],
  },
  {
    id: "S5",
    attack: "Watch a guest's screen as another user of the host.",
    defence: "SPICE asks for a ticket, which is in files that only the lab's user may read.",
    test: at("security/spice", "refuses another user of the host, who cannot read the ticket"),
  },
  {
    id: "S6",
    attack: "Open a screen without the ticket, with a wrong ticket, or without TLS.",
    defence: "QEMU's SPICE server refuses the client; with TLS it has no clear-text port.",
    test: at(
      "security/spice",
      "shows the screen to who has the ticket",
      "refuses a wrong ticket, and none",
      "refuses a ticket whose time is over",
      "shows the screen by TLS to who has the ticket and the authority",
      "refuses clear text where TLS is declared",
      "is refused by a client that knows another authority",
    ),
  },
  {
    id: "S7",
    attack: "Read the clipboard of a viewer, or send files through the viewer.",
    defence:
      "Both are off; the policy no-clipboard-or-file-transfer stops guests that it does not name.",
    test: at("integration/policy", "stop a preview of what breaks one, with the fix"),
  },
  {
    id: "S8",
    attack: "Get the host's secrets by a share of their folder, by name or through a link.",
    defence:
      "The configuration, the check of the host and the policy share-not-sensitive refuse such a share.",
    test: [
      ...at(
        "unit/config/sharePath",
        "refuses a system folder with anything below it, however the path is spelled",
      ),
      ...at("security/host", "refuses a share that is a link out of where it seems to be"),
      ...VIOLATIONS,
    ],
  },
  {
    id: "S9",
    attack: "Write to a read-only share as root of the guest.",
    defence: "QEMU itself refuses writes, however the guest mounts the share.",
    test: at("security/guest", "cannot write to a share that is read-only"),
  },
  {
    id: "S10",
    attack: "Leave symbolic links, device nodes and set-user-id files in the share for the host.",
    defence: "With access mode mapped the host sees plain files of QEMU's user.",
    test: at("security/guest", "leaves neither links, nor devices, nor suid bits on the host"),
  },
  {
    id: "S11",
    attack: "Break out through a known weakness of 9p, QEMU or libslirp.",
    defence:
      "The doctor and the policy known-vulnerable report each open weakness until it is acknowledged. The policy is advisory by default, because Debian 12 does not fix all of them.",
    test: [
      ...at("policy/domains", "names a writable 9p share, and user-mode network"),
      ...at("unit/components/host/checks/security", "finds an old QEMU full of them"),
    ],
  },
  {
    id: "S12",
    attack: "Plant a seed image, or open a lab's folder, to give the lab the attacker's keys.",
    defence: "Files are created with mode 0600, never through a link; open folders are refused.",
    test: [
      ...at(
        "unit/components/domain/seed.provider",
        "holds the documents, for its owner alone",
        "takes no link for the image, and writes through none",
      ),
      ...at(
        "unit/components/access/access.resource",
        "makes keys that OpenSSH reads, for their owner only",
      ),
    ],
  },
  {
    id: "S13",
    attack: "Find a key, a ticket or the passphrase where others may read.",
    defence:
      "Secrets are in files of mode 0600, are passed by standard input, and are never in plain text in the state.",
    test: [
      ...at(
        "security/guest",
        "keeps every secret out of state, output, processes and logs",
        "keeps them out of what is said and left when it is destroyed",
      ),
      ...at("security/spice", "keeps the ticket out of command lines, logs and libvirt's answers"),
      ...at("policy/resources", "policy no-secret-in-plain-input"),
    ],
  },
  {
    id: "S14",
    attack: "Log in to a guest by a password.",
    defence: "No account has a password, and sshd accepts none.",
    test: [
      ...at(
        "unit/components/domain/cloudInit",
        "is the whole document, with the keys in place and no password anywhere",
      ),
      ...at("security/guest", "takes no password, from nobody"),
    ],
  },
  {
    id: "S15",
    attack: "Read the keys from a seed image that every boot needs.",
    defence: "A guest boots without its seed and keeps its keys, so the image can be removed.",
    test: at("security/guest", "boots without its seed: the login works, the host key is the same"),
  },
  {
    id: "S16",
    attack: "Serve an altered image, or an image that refers to files of the host.",
    defence: "The digest and the image's header are checked before libvirt reads the image.",
    test: at(
      "integration/imageFetch",
      "never uses a file with one flipped byte, and removes it",
      "refuses an image of another format than declared",
      "refuses images that refer to other files",
      "refuses an image larger than the guest's disk, cached or not",
      "does not follow a redirect to plain http",
    ),
  },
  {
    id: "S17",
    attack: "Put shell code, options, newlines or 300 characters into any value.",
    defence: "A schema checks all values; programs get them as single arguments, never as code.",
    test: [
      ...at(
        "unit/config/lab",
        "answers a lab with anything in any place of it",
        "refuses any key that it does not know, wherever it stands",
      ),
      ...at("unit/fuzz", "500 hostile texts do not get out of"),
      ...at("unit/core/quote", "is read back by"),
      ...at("security/host", "takes hostile words as words, or refuses them"),
    ],
  },
  {
    id: "S18",
    attack: "Put markup into a name, or an entity into XML that the lab reads.",
    defence: "A serializer writes XML; the parser refuses document types.",
    test: [
      ...at("unit/core/xml", "writes markup as text", "refuses a document type"),
      ...at("unit/components/domain/definition", "carries hostile names as text"),
    ],
  },
  {
    id: "S19",
    attack:
      "Declare a domain with raw QEMU arguments, without an sVirt label, or with QEMU as root.",
    defence: "The policies no-qemu-commandline and confined stop the preview.",
    test: VIOLATIONS,
  },
  {
    id: "S20",
    attack: "Use QEMU's rights on the host from a guest that controls its QEMU.",
    defence: "QEMU runs as libvirt-qemu and, if the kernel has AppArmor, in a profile.",
    test: at(
      "security/guest",
      "runs in a QEMU that is neither root nor of root's groups",
      "runs in a QEMU that AppArmor confines",
    ),
  },
  {
    id: "S21",
    attack: "Use libvirt, which is as good as root, as another user of the host.",
    defence: "Only root and the group libvirt may use its socket.",
    test: at("security/host", "lets no other user of the host use libvirt"),
  },
  {
    id: "S22",
    attack: "Make the lab remove or overwrite what it did not create.",
    defence:
      "The lab changes only what carries its mark; the policy data-disk-protected protects data disks.",
    test: [
      ...at(
        "unit/components/domain/contract.provider",
        "leaves a domain that carries another's mark",
      ),
      ...at("integration/adopted", "is left alone by `down` when it carries no mark any more"),
      ...at("security/host", "makes no way through a pool or a network without the lab's mark"),
      ...at("policy/resources", "policy data-disk-protected"),
    ],
  },
  {
    id: "S23",
    attack: "Claim another lab's domain or port.",
    defence: "The lab refuses the claim, and names the owner.",
    test: [
      ...at("unit/components/domain/contract.provider", "refuses"),
      ...at("integration/adopted", "is refused when"),
      ...at("integration/ports", "refuses a port that another guest has"),
    ],
  },
  {
    id: "S24",
    attack: "Read the state's secrets, or the passphrase, as another user.",
    defence:
      "MIRLAB_HOME must have mode 0700; the passphrase is a file; the state's secrets are encrypted.",
    test: [
      {
        file: "toolchain/test/home.test.ts",
        name: "is private, with a file backend and a passphrase that no command line shows",
      },
      { file: "toolchain/test/home.test.ts", name: "refuses a home that others can read" },
      ...at("security/guest", "keeps every secret out of state, output, processes and logs"),
    ],
  },
  {
    id: "S25",
    attack: "Alter a package or a download on its way to the lab.",
    defence:
      "Lockfiles with digests, checksums and the archive's keyring verify it; install scripts are off.",
    test: [
      ...at("security/host", "installs no npm package that is not the locked one"),
      ...at(
        "unit/supply/lockfiles",
        "proves the content of every package",
        "brings no install script that is not known here",
        "runs no install script",
      ),
      ...at("unit/supply/workflows", "a workflow"),
      {
        file: "toolchain/test/vendor.test.ts",
        name: "refuses a tampered archive, names both digests and keeps it in quarantine",
      },
      { file: "toolchain/test/pins.test.ts", name: "the pins of toolchain/versions.env" },
    ],
  },
  {
    id: "S26",
    attack: "Reach the host's services or other guests through a guest's network.",
    defence:
      "With `network.outbound: false` QEMU forwards SSH in, and nothing out. By default a guest with user-mode network reaches whatever the host reaches.",
    test: at("security/guest", "reaches neither the host's loopback nor anything behind it"),
  },
];

/**
 * Attacks on a lab, each with what stands against it and the tests that try it. `SECURITY.md` is
 * written from this table; a name is the start of a test's or a suite's own.
 */

interface TestRef {
  readonly file: string;
  readonly name: string;
}

export interface Attack {
  readonly id: string;
  /** What the attacker does. */
  readonly attack: string;
  /** What refuses it. */
  readonly defence: string;
  /** Where it is tried. */
  readonly test: readonly TestRef[];
}

const at = (file: string, ...names: string[]): TestRef[] =>
  names.map((name) => ({ file: `test/${file}.test.ts`, name }));

const VIOLATIONS = at(
  "integration/policy",
  "name each violated policy of an exported state once, without a stack",
);

export const ATTACKS: readonly Attack[] = [
  {
    id: "S1",
    attack: "Answer an SSH connection that is declared without a host key.",
    defence: "The policy host-key-pinned stops the preview; the lab's own connections always pin.",
    test: [...at("policy/resources", "policy host-key-pinned"), ...VIOLATIONS],
  },
  {
    id: "S2",
    attack: "Answer in a guest's or a host's place with another SSH host key.",
    defence: "Every connection knows the one key; another is refused before anything is run.",
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
    attack: "Have libvirt reached by a URI that is plain or does not verify its server.",
    defence: "The policy no-plain-or-unverified-libvirt-uri stops the preview.",
    test: [...at("policy/resources", "policy no-plain-or-unverified-libvirt-uri"), ...VIOLATIONS],
  },
  {
    id: "S4",
    attack: "Have a screen listen where other machines reach it, in clear text.",
    defence: "The configuration refuses it; the policy spice-not-exposed stops domains beside it.",
    test: [
      ...at("unit/lib/labConfig", "refuses a screen that others could reach in clear text"),
      ...VIOLATIONS,
    ],
  },
  {
    id: "S5",
    attack: "Watch a guest's screen as another user of the host.",
    defence: "SPICE asks for a ticket, which lies in files that the lab's user alone may read.",
    test: at("security/spice", "refuses another user of the host, who cannot read the ticket"),
  },
  {
    id: "S6",
    attack: "Open a screen without the ticket, with a wrong one, or past TLS.",
    defence: "QEMU's SPICE server refuses the client; with TLS it has no port for clear text.",
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
    attack: "Take what a viewer copies, or send files through it.",
    defence: "Both are off; the policy no-clipboard-or-file-transfer stops what is not named.",
    test: at("integration/policy", "stop a preview of what breaks one, with the fix"),
  },
  {
    id: "S8",
    attack: "Share a folder that holds the host's secrets, by name or through a link.",
    defence: "The configuration and the check of the host refuse it; so does share-not-sensitive.",
    test: [
      ...at(
        "unit/lib/sharePath",
        "refuses a system folder with anything below it, however the path is spelled",
      ),
      ...at("security/host", "refuses a share that is a link out of where it seems to be"),
      ...VIOLATIONS,
    ],
  },
  {
    id: "S9",
    attack: "Write to a read-only share as root of the guest.",
    defence: "QEMU itself refuses, whatever the guest mounts.",
    test: at("security/guest", "cannot write to a share that is read-only"),
  },
  {
    id: "S10",
    attack: "Leave links out, device nodes and set-user-id files in the share for the host.",
    defence: "Access mode mapped: the host sees plain files of QEMU's user.",
    test: at("security/guest", "leaves neither links, nor devices, nor suid bits on the host"),
  },
  {
    id: "S11",
    attack: "Break out through a known weakness of 9p, QEMU or libslirp.",
    defence:
      "The doctor and the policy known-vulnerable name each open one, until it is acknowledged. Advice by default: Debian 12 has no fix for all of them.",
    test: [
      ...at("policy/domains", "names a writable 9p share, and user-mode network"),
      ...at("unit/lib/hostChecks/security", "finds an old QEMU full of them"),
    ],
  },
  {
    id: "S12",
    attack: "Plant a seed image or open a lab's folder, so that keys are the attacker's.",
    defence: "Files are made anew with mode 0600, never through a link; open folders are refused.",
    test: [
      ...at(
        "unit/io/guestSeed",
        "holds the documents, for its owner alone",
        "takes no link for the image, and writes through none",
      ),
      ...at("unit/components/guestAccess", "makes keys that OpenSSH reads, for their owner only"),
    ],
  },
  {
    id: "S13",
    attack: "Find a key, a ticket or the passphrase where others may read.",
    defence: "Secrets are files of mode 0600, go by standard input, and into no state.",
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
    defence: "No account has one, and sshd does not ask for one.",
    test: [
      ...at(
        "unit/lib/cloudInit",
        "is the whole document, with the keys in place and no password anywhere",
      ),
      ...at("security/guest", "takes no password, from nobody"),
    ],
  },
  {
    id: "S15",
    attack: "Take the keys from a seed image that is needed at every boot.",
    defence: "A guest boots without its seed, with the same keys.",
    test: at("security/guest", "boots without its seed: the login works, the host key is the same"),
  },
  {
    id: "S16",
    attack: "Serve another image than the published one, or one that opens files of the host.",
    defence: "The digest, then what the image says of itself, before libvirt sees it.",
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
    attack: "Put shell text, options, line ends or 300 characters into any value.",
    defence: "Values are checked by their schema, and reach programs as words, never as text.",
    test: [
      ...at(
        "unit/lib/labConfig",
        "answers a lab with anything in any place of it",
        "refuses any key that it does not know, wherever it stands",
      ),
      ...at("unit/fuzz", "500 hostile texts do not get out of"),
      ...at("unit/lib/quote", "is read back by"),
      ...at("security/host", "takes hostile words as words, or refuses them"),
    ],
  },
  {
    id: "S18",
    attack: "Put markup into a name, or an entity into XML that is read.",
    defence: "XML is written by a serializer, and read with document types refused.",
    test: [
      ...at("unit/lib/xml", "writes markup as text", "refuses a document type"),
      ...at("unit/lib/domainXml", "carries hostile names as text"),
    ],
  },
  {
    id: "S19",
    attack: "Declare a domain with raw QEMU arguments, without a label, or with QEMU as root.",
    defence: "The policies no-qemu-commandline and confined stop the preview.",
    test: VIOLATIONS,
  },
  {
    id: "S20",
    attack: "Use what QEMU may do on the host, from a guest that has taken it over.",
    defence: "QEMU runs as libvirt-qemu and, where the kernel has AppArmor, in a profile.",
    test: at(
      "security/guest",
      "runs in a QEMU that is neither root nor of root's groups",
      "runs in a QEMU that AppArmor confines",
    ),
  },
  {
    id: "S21",
    attack: "Use libvirt, which is as good as root, as another user of the host.",
    defence: "Its socket is for root and the group libvirt.",
    test: at("security/host", "lets no other user of the host use libvirt"),
  },
  {
    id: "S22",
    attack: "Have the lab remove or overwrite what it did not make.",
    defence: "Only what carries the lab's mark is touched; disks are asked for by policy.",
    test: [
      ...at("unit/io/domainContract", "leaves a domain that carries another's mark"),
      ...at("integration/adopted", "is left alone by `down` when it carries no mark any more"),
      ...at("security/host", "makes no way through a pool or a network without the lab's mark"),
      ...at("policy/resources", "policy data-disk-protected"),
    ],
  },
  {
    id: "S23",
    attack: "Claim another lab's domain or port.",
    defence: "The claim is refused, with the owner's name.",
    test: [
      ...at("unit/io/domainContract", "refuses"),
      ...at("integration/adopted", "is refused when"),
      ...at("integration/ports", "refuses a port that another guest has"),
    ],
  },
  {
    id: "S24",
    attack: "Read the state's secrets, or the passphrase, as another user.",
    defence:
      "The home has mode 0700 or is refused; the passphrase is a file; secrets are encrypted.",
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
    attack: "Change a package or a download on its way to the lab.",
    defence:
      "Lock files with integrity, checksums, the archive's keyring; install scripts are off.",
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
    attack: "Reach the host's services or other guests over a guest's network.",
    defence:
      "`network.outbound: false`: QEMU then forwards SSH in, and nothing out. By default a guest of user mode reaches what the host reaches.",
    test: at("security/guest", "reaches neither the host's loopback nor anything behind it"),
  },
];

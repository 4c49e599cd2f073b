/** The guest's image: built from an archive, downloaded, or an existing domain's. */
import { z } from "zod";
import { ssh } from "./hostSchema";
import { archiveUrl, downloadUrl, localFile } from "./schemaTypes";
import { suitesOf } from "./suites";

/** Longest name of a domain, bytes: libvirt names its log file by it. */
const DOMAIN_NAME_BYTES = 240;

/** What libvirt takes: no `/`, no control character; without blanks at its ends, which virsh prints in columns. */
const isDomainName = (name: string): boolean =>
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  /^[^/\u0000-\u001f\u007f]+$/.test(name) &&
  name.trim() === name &&
  name.isWellFormed() &&
  Buffer.byteLength(name) <= DOMAIN_NAME_BYTES;

const PACKAGE = /^[a-z0-9][a-z0-9+.-]{1,63}$/;

const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const DIGEST_RULE =
  "use 'sha256:<64 hex digits>' or 'sha512:<128 hex digits>', from the publisher's signed sums";

const imagePackages = z
  .array(z.string().regex(PACKAGE, "use a Debian package name"))
  .max(200)
  .default([])
  .describe("Additional packages of the suite in the image.");

/** A source of more packages, as a PPA or a team's archive is. */
const aptSource = z.strictObject({
  uri: archiveUrl.max(120, "use at most 120 characters").describe("Root of the archive."),
  suite: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.+/-]{0,38}[A-Za-z0-9]$/, "use a suite's name, e.g. 'trixie'")
    .describe("Its suite."),
  components: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+-]{0,31}$/, "use a component's name"))
    .min(1)
    .max(16)
    .default(["main"])
    .describe("Components of the suite."),
  key: z.strictObject({
    file: localFile.describe(
      "ASCII-armoured OpenPGP key that signs the archive, on the machine that runs Pulumi.",
    ),
    fingerprint: z
      .string()
      .regex(
        /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/,
        "use the key's fingerprint: 40 hex digits, no blanks",
      )
      .describe("Fingerprint of the key; another key is refused."),
  }),
  priority: z
    .int()
    .min(-1000)
    .max(10_000)
    .optional()
    .describe("apt's pin priority of the archive's host (apt_preferences); unset: apt's own, 500."),
});

const imageApt = z
  .strictObject({
    sources: z
      .array(aptSource)
      .max(8)
      .default([])
      .describe("Signed archives of more packages, e.g. a newer Mir; the guest keeps them."),
  })
  .prefault({});

export const image = z.discriminatedUnion("source", [
  z.strictObject({
    source: z
      .literal("debian")
      .describe("An image that mmdebstrap builds from the signed Debian archive."),
    suite: z
      .enum(suitesOf("debian"))
      .default("trixie")
      .describe(
        "Debian suite. The lists of forky and sid expire after a week: host.apt.validUntil 'ignore' takes those of a snapshot.",
      ),
    packages: imagePackages,
    apt: imageApt,
  }),
  z.strictObject({
    source: z
      .literal("ubuntu")
      .describe("The same from Ubuntu's archive; not tried yet (docs/suites.md)."),
    suite: z.enum(suitesOf("ubuntu")).default("resolute").describe("Ubuntu suite."),
    packages: imagePackages,
    apt: imageApt,
  }),
  z.strictObject({
    source: z.literal("url").describe("A cloud image, verified before use."),
    url: downloadUrl(2048).describe(
      "URL from which the host downloads the image; plain http only on loopback.",
    ),
    digest: z
      .string()
      .regex(DIGEST, DIGEST_RULE)
      .describe("Digest of the file; another file is refused."),
    format: z.enum(["qcow2", "raw"]).default("qcow2").describe("Format of the file."),
  }),
  z.strictObject({
    source: z
      .literal("iso")
      .describe("The page's own way: an installer's ISO image, booted in a domain of its own."),
    url: downloadUrl(2048)
      .optional()
      .describe("URL from which the host downloads it; plain http only on loopback."),
    file: localFile.optional().describe("Its file on the host, instead of url."),
    digest: z
      .string()
      .regex(DIGEST, DIGEST_RULE)
      .describe("Digest of the file; another file is refused."),
    sizeGiB: z
      .int()
      .min(4)
      .max(1024)
      .default(8)
      .describe("Size of the disk that it writes, GiB; guests[].diskGiB is the guest's."),
    unattended: z
      .boolean()
      .default(true)
      .describe(
        "The lab answers the installer: Debian's by a preseed, Ubuntu Server's by autoinstall, Fedora's by a kickstart. false: a person does it at the screen that `up` names.",
      ),
  }),
  z.strictObject({
    source: z.literal("existing").describe("An existing domain on the host, which the lab adopts."),
    domain: z
      .string()
      .refine(isDomainName, "use the name that 'virsh list --all' shows")
      .describe("Name of the domain to adopt; the lab never touches its disks."),
    connection: z
      .enum(["system", "session"])
      .default("system")
      .describe(
        "libvirt that has the domain: the system's, or that of the user, as for GNOME Boxes.",
      ),
    ssh: ssh.describe("Connection to the adopted guest."),
    restart: z
      .enum(["never", "shutdown"])
      .default("never")
      .describe(
        "What `up` does when a running domain needs a restart for new hardware: shutdown power-cycles it cleanly, never does not restart it.",
      ),
  }),
]);

/** Schema of `host`, and of `ssh`, which an adopted guest has too. See schema.ts. */
import { isIPv6 } from "node:net";
import { z } from "zod";
import { buildCache } from "./buildSchema";
import { absolutePath, archiveUrl, localFile, proxyUrl } from "./schemaTypes";

/** One SSH public host key as `ssh-keyscan` prints it, without the host: `ssh-ed25519 AAAA...`. */
const HOST_KEY =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,3}( [ -~]*)?$/;

/** What DNS takes: 253 characters, of parts of at most 63 (RFC 1035). */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9-]{1,63})*\.?$/;

/** Without a zone: a zone names an interface of one machine. */
const isPlainIPv6 = (text: string): boolean => isIPv6(text) && !text.includes("%");

export const ssh = z.strictObject({
  host: z
    .string()
    .refine(
      (text) => HOST_NAME.test(text) || isPlainIPv6(text),
      "use a host name (at most 253 characters, parts of at most 63) or an address",
    )
    .describe("Host name or address to connect to."),
  port: z.int().min(1).max(65535).default(22).describe("TCP port of sshd."),
  user: z
    .string()
    .regex(
      /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}(@[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$/,
      "use a login name, or NAME@DOMAIN",
    )
    .default("root")
    .describe("Login user: root, or a user with passwordless sudo."),
  privateKeyFile: localFile.describe(
    "Private key file on the machine that runs Pulumi; one with a passphrase, or of a security key, is used by the SSH agent that has it.",
  ),
  hostKey: z
    .string()
    .max(8192)
    .regex(HOST_KEY, "use one line of ssh-keyscan without the host, e.g. 'ssh-ed25519 AAAA...'")
    .describe(
      "The server's public host key, preferably ed25519; connections to another key are refused.",
    ),
});

const hostSsh = ssh.extend({
  jump: ssh
    .pick({ host: true, port: true, hostKey: true })
    .optional()
    .describe(
      "A jump host to go through, with the same user and key; the libvirt provider takes no other.",
    ),
});

const apt = z.strictObject({
  proxy: proxyUrl
    .optional()
    .describe("Proxy for http and https archives; none: straight. Unset: the host's own."),
  mirror: archiveUrl
    .optional()
    .describe("Debian's archive. Unset: the host's own, else deb.debian.org."),
  securityMirror: archiveUrl
    .optional()
    .describe("Debian's security archive. Unset: the host's own, else beside the mirror."),
  validUntil: z
    .enum(["check", "ignore"])
    .optional()
    .describe(
      "check: refuse package lists that have expired; ignore: take them, as of a snapshot. Unset: as the host.",
    ),
});

export const host = z.strictObject({
  ssh: hostSsh
    .optional()
    .describe("Connection to a remote lab host; unset: this machine is the lab host."),
  dataDir: absolutePath
    .default("/var/lib/mirlab")
    .describe("Folder on the host for pools, shares and logs."),
  cacheDir: absolutePath
    .default("/var/cache/mirlab")
    .describe("Folder on the host for images, named by content; safe to delete while no lab runs."),
  natSubnet: z
    .string()
    .regex(
      /^(10\.(\d{1,3})\.(\d{1,3})|172\.(1[6-9]|2\d|3[01])\.(\d{1,3})|192\.168\.(\d{1,3}))\.0\/24$/,
      "use a private /24, e.g. '192.168.130.0/24'",
    )
    .refine(
      (subnet) => subnet.split(/[./]/).every((part) => Number(part) <= 255),
      "use a private /24, e.g. '192.168.130.0/24'",
    )
    .default("192.168.130.0/24")
    .describe("Subnet of the lab's libvirt network, used by guests with network.mode nat."),
  viewers: z
    .boolean()
    .default(false)
    .describe(
      "Also install virt-manager and the SPICE client of the page, which need desktop libraries.",
    ),
  packages: z
    .enum(["install", "check"])
    .default("install")
    .describe("install: install missing host packages; check: fail and list them."),
  qemu: z
    .enum(["release", "backports"])
    .default("release")
    .describe(
      "Whose QEMU the lab installs: the release's, or that of its backports, which apt has to know. An installed backport is not put back.",
    ),
  memory: z
    .enum(["check", "overcommit"])
    .default("check")
    .describe(
      "check: refuse guests that need more memory than the host has free; overcommit: only warn, as where swap or ballooning makes room.",
    ),
  apt: apt
    .optional()
    .describe(
      "The way to Debian's archives for images, builds and guests, where it is not the host's own; the host's apt keeps its settings.",
    ),
  buildCache,
  onDrift: z
    .enum(["heal", "report"])
    .default("heal")
    .describe("What `up` does about drift of the host: heal repairs it, report only reports it."),
});

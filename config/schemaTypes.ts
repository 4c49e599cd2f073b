/** Schema parts that several keys of the configuration share. */
import { z } from "zod";
import { imageUrlFault } from "./imageUrl";

/** Longest path, bytes: Linux takes 4096, of which the lab's own files below it need some. */
const PATH_BYTES = 1024;
/** Longest part of a path, bytes: ext4, XFS, Btrfs and ZFS take no longer names. */
const PART_BYTES = 255;

/** A path of this form that every file system takes. */
const pathOf = (form: RegExp, rule: string) =>
  z
    .string()
    .regex(form, rule)
    .refine(
      (path) => !path.split("/").some((part) => part === "." || part === ".."),
      "use a path without '.' and '..'",
    )
    .refine(
      (path) =>
        Buffer.byteLength(path) <= PATH_BYTES &&
        path.split("/").every((part) => Buffer.byteLength(part) <= PART_BYTES),
      `use a path of at most ${PATH_BYTES} bytes, of parts of at most ${PART_BYTES} bytes`,
    );

/** A folder that the lab makes on the host. */
export const absolutePath = pathOf(
  /^(\/[A-Za-z0-9._@+-]+)+$/,
  "use an absolute path of letters, digits and . _ @ + - (no spaces, no trailing slash)",
);

/**
 * A folder of a user's on the host, whatever its script: it gets to libvirt's XML, QEMU and AppArmor, whose rules take
 * no `"`, `*`, `?`, `[`, `]`, `{`, `}` and `^` (virt-aa-helper).
 */
export const folderPath = pathOf(
  /^(\/(?! )[\p{L}\p{M}\p{N} ._@+,()'&=~-]+(?<! ))+$/u,
  "use an absolute path of letters, digits, blanks and . _ @ + - , ( ) ' & = ~ (no trailing slash)",
);

/**
 * A file on the machine that runs Pulumi, whatever its script. A key's path also gets to OpenSSH's configuration and to
 * libvirt's URI, which give `"`, `\` and `$` a meaning.
 */
export const localFile = pathOf(
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  /^(?=\P{Cs}*$)(\/[^/"\\$\u0000-\u001f\u007f-\u009f]+)+$/u,
  "use an absolute path without quotation marks, backslashes, $ and control characters (no trailing slash)",
);

/** Longest name that systemd gives a unit, bytes. */
const UNIT_BYTES = 255;

/** Name of a mount's unit, as systemd escapes the path. */
const mountUnit = (path: string): string =>
  `${path
    .slice(1)
    .replaceAll(/[^A-Za-z0-9_.:/]/g, "\\x00")
    .replaceAll("/", "-")}.mount`;

/** A mount point in the guest: the name of its systemd unit is the path. */
export const mountPoint = z
  .string()
  .regex(
    /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/,
    "use an absolute path of letters, digits and . _ - (no hidden folder, no trailing slash)",
  )
  .refine(
    (path) => /^\/(mnt|media|srv|home|opt)\/./.test(path),
    "use a path below /mnt, /media, /srv, /home or /opt",
  )
  .refine(
    (path) => mountUnit(path).length <= UNIT_BYTES,
    `use a shorter path: systemd's name for it has at most ${UNIT_BYTES} bytes, and a '-' takes 4 of them`,
  );

/** URL of a download, of at most `longest` characters. */
export const downloadUrl = (longest: number) =>
  z
    .string()
    .max(longest)
    .superRefine((url, ctx) => {
      const fault = imageUrlFault(url);
      if (fault !== undefined) ctx.addIssue({ code: "custom", message: fault });
    });

const ARCHIVE =
  /^https?:\/\/([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(\/[A-Za-z0-9._~%+-]+)*\/?$/;

const isArchive = (url: string): boolean => ARCHIVE.test(url) && URL.canParse(url);

const NO_PASSWORD = "a password belongs in /etc/apt/auth.conf.d of the host";

/** Address of an archive: the file that holds it is tracked, so passwords are elsewhere. */
export const archiveUrl = z
  .string()
  .max(300)
  .refine(isArchive, `use 'https://HOST/PATH'; ${NO_PASSWORD}`);

export const proxyUrl = z
  .string()
  .max(300)
  .refine(
    (url) => url === "none" || isArchive(url),
    `use 'none' or 'http://HOST:PORT'; ${NO_PASSWORD}`,
  );

export const suite = z
  .string()
  .regex(/^[a-z][a-z0-9]{1,30}(-[a-z]{1,30}){0,2}$/, "use a suite, e.g. 'bookworm-backports'");

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "use 64 hex digits, as sha256sum prints them");

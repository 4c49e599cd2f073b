/** Schema parts that several keys of the configuration share. */
import { z } from "zod";
import { imageUrlFault } from "./imageUrl";

export const absolutePath = z
  .string()
  .max(1024)
  .regex(
    /^(\/[A-Za-z0-9._@+-]+)+$/,
    "use an absolute path of letters, digits and . _ @ + - (no spaces, no trailing slash)",
  )
  .refine(
    (path) => !path.split("/").some((part) => part === "." || part === ".."),
    "use a path without '.' and '..'",
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

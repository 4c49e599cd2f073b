/** Pieces of the configuration's schema that more than one key has. */
import { z } from "zod";

export const absolutePath = z
  .string()
  .max(1024)
  .regex(
    /^(\/[A-Za-z0-9._@+-]+)+$/,
    "use an absolute path of letters, digits and . _ @ + - (no spaces, no trailing slash)",
  )
  .refine(
    (path) => !path.split("/").some((part) => part === "." || part === ".."),
    "must not contain '.' or '..' as a folder",
  );

export const suite = z
  .string()
  .regex(/^[a-z][a-z0-9]{1,30}(-[a-z]{1,30}){0,2}$/, "use a suite, e.g. 'bookworm-backports'");

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "use 64 hex digits, as sha256sum prints them");

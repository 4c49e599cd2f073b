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

export const suite = z
  .string()
  .regex(/^[a-z][a-z0-9]{1,30}(-[a-z]{1,30}){0,2}$/, "use a suite, e.g. 'bookworm-backports'");

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "use 64 hex digits, as sha256sum prints them");

/** Validates the output of scripts/guest/observe.py: the guest is not trusted. Pure. */
import { z } from "zod";
import { readAnswer } from "./answer";
import { plainText, shortened } from "../../core/plainText";

/** One line without control characters: a terminal shows the text later. */
const words = (chars: number) =>
  z
    .string()
    .max(8192)
    .transform((raw) => shortened(plainText(raw).replaceAll(/\s+/g, " "), chars));
const word = words(200);
const hex = z.string().regex(/^[0-9a-f]{32,128}$/);
const path = z
  .string()
  .max(512)
  .regex(/^\/[\x21-\x7e]*$/, "is not a plain path");

const file = z.object({
  path,
  kind: word,
  mode: z.string().regex(/^[0-7]{1,4}$/),
  owner: z.string().regex(/^\d{1,10}:\d{1,10}$/),
  sha256: hex.optional(),
  /** Set for files that can be restored; unfiltered, because it is written and never shown. */
  text: z.string().max(4096).optional(),
});
const files = z.array(file).max(500);

const schema = z.object({
  version: z.literal(2),
  kernel: z
    .object({
      ...{ running: word, commandLine: words(2000), entry: word },
      ...{ kernel: word.nullable(), saved: word.nullable(), once: word.nullable(), initrd: hex },
    })
    .nullable(),
  files: files.nullable(),
  session: files.nullable(),
  share: files.nullable(),
  units: z
    .record(
      z.string().max(255),
      z.object({
        ...{ enabled: z.boolean(), masked: z.boolean(), active: z.boolean().nullable() },
        dropIns: z.array(path).max(100),
      }),
    )
    .nullable(),
  packages: z
    .object({
      versions: z.record(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/), word),
      holds: z.array(word).max(1000),
      signature: hex,
      changed: z
        .array(z.object({ path, state: z.enum(["changed", "missing"]) }))
        .max(5000)
        .nullable(),
      initrdSha256: hex.nullable(),
    })
    .nullable(),
  account: z
    .object({
      ...{ name: word, id: word, shell: word, groups: z.array(word).max(200) },
      password: z.enum(["locked", "none", "set"]),
      authorized: z.object({
        ...{ path, mode: word, owner: word },
        keys: z.array(z.object({ fingerprint: word, options: word })).max(1000),
      }),
    })
    .nullable(),
  hostKeys: z.record(path, word).nullable(),
  mounts: z
    .array(z.object({ dir: path, type: word, source: word, options: words(1000) }))
    .max(200)
    .nullable(),
  /** Unused bytes after the root file system on its disk; null: the disk has another layout. */
  rootDisk: z.object({ unused: z.number().nonnegative().nullable() }).nullable(),
  cloudInit: word.nullable(),
  hostname: z.object({ running: word, file: word }).nullable(),
  timezone: word.nullable(),
  bootId: word.nullable(),
  system: z
    .object({ starting: z.boolean(), failed: z.array(word).max(1000), target: word })
    .nullable(),
  time: z.number(),
  errors: z.array(z.object({ fact: z.string().max(50), message: word })).max(100),
});

/** Version 2 of a look; a part that the guest could not read is null and has a line in `errors`. */
export type GuestObservation = z.output<typeof schema>;
export type FileFacts = z.output<typeof file>;

/** Throws when the answer does not have the script's form. */
export function readGuestObservation(answer: string): GuestObservation {
  return readAnswer("guest observation", schema, answer);
}

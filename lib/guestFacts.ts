/** Reads what scripts/guest/facts.sh printed. The guest is not trusted: shape and size are checked. Pure. */
import { z } from "zod";
import { GuestFacts } from "./gates";

/** Shown on a terminal later on: control characters of the guest stay out. */
const text = z
  .string()
  .max(500)
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced here
  .transform((told) => told.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " "));

/** Version 1 of the facts; each is null when the guest could not tell, with a line in `errors`. */
const factsSchema = z.object({
  version: z.literal(1),
  kernel: z.object({ running: text }).nullable(),
  packages: z.record(z.string(), text.nullable()).nullable(),
  drm: z
    .array(z.object({ name: text, driver: text.nullable() }))
    .max(64)
    .nullable(),
  egl: z.object({ renderer: text, glesVersion: text }).nullable(),
  session: z.object({ activeState: text }).nullable(),
  mirLog: z.object({ displayDriver: text.nullable() }).nullable(),
});

/** Longest answer that is read, characters. */
const MAX_LENGTH = 1_000_000;

/** The facts that the gates ask for. Throws when the answer is not what the script prints. */
export function readFacts(answer: string): GuestFacts {
  if (answer.length > MAX_LENGTH) throw new Error("facts: the guest's answer is too long");
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    throw new Error("facts: the guest's answer is not JSON");
  }
  const result = factsSchema.safeParse(parsed);
  if (!result.success) {
    const first = result.error.issues[0];
    throw new Error(`facts: ${first?.path.join(".") ?? ""}: ${first?.message ?? "malformed"}`);
  }
  const facts = result.data;
  return {
    kernel: facts.kernel?.running ?? null,
    // Of the running loader: packages may be newer or older than what is in use.
    mesa: /\bMesa (\S+)/.exec(facts.egl?.glesVersion ?? "")?.[1] ?? null,
    mir: facts.packages?.["mir-test-tools"] ?? null,
    drmDriver: facts.drm?.[0]?.driver ?? null,
    renderer: facts.egl?.renderer ?? null,
    gles: facts.egl?.glesVersion ?? null,
    mirPlatform: facts.mirLog?.displayDriver ?? null,
    session: facts.session?.activeState ?? null,
  };
}

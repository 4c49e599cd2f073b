/** What a script in a guest prints: JSON, which nobody has checked. Pure. */
import { z } from "zod";
import { plainText, shortened } from "../../core/plainText";

/**
 * The answer as `schema` says. Throws on any other, in words that begin with `what` and are fit to
 * be shown. `limit`: the longest answer that is read, characters.
 */
export function readAnswer<T extends z.ZodType>(
  what: string,
  schema: T,
  answer: string,
  limit = 1_000_000,
): z.output<T> {
  if (answer.length > limit) throw new Error(`${what}: the guest's answer is too long`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    throw new Error(`${what}: the guest's answer is not JSON`);
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const first = result.error.issues[0];
  const at = plainText(first?.path.join(".") ?? "").replaceAll(/\s+/g, " ");
  throw new Error(shortened(`${what}: ${at}: ${first?.message ?? "malformed"}`, 300));
}

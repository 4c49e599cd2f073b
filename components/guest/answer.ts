/** Validates the JSON that a script in a guest prints. Pure. */
import { z } from "zod";
import { plainText, shortened } from "../../core/plainText";

/**
 * The answer, validated by `schema`. Throws on any other, with a message that begins with `what`
 * and is safe to show. `limit`: the longest accepted answer, characters.
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

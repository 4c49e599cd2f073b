import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { labSchema } from "../../../config/schema";
import { FIXED, FREE_TEXTS } from "./freeTexts";

/** Every text of the schema, by its key: `guests[].name`. Enumerations and literals are no free texts. */
function textsOf(node: unknown, key: string, found: Map<string, z.ZodString>): void {
  if (node instanceof z.ZodString) found.set(key, node);
  else if (node instanceof z.ZodObject) {
    for (const [name, inner] of Object.entries(node.shape))
      textsOf(inner, key === "" ? name : `${key}.${name}`, found);
  } else if (node instanceof z.ZodArray) textsOf(node.element, `${key}[]`, found);
  else if (node instanceof z.ZodDiscriminatedUnion)
    for (const option of node.options) textsOf(option, key, found);
  else if (
    node instanceof z.ZodOptional ||
    node instanceof z.ZodDefault ||
    node instanceof z.ZodPrefault
  )
    textsOf(node.unwrap(), key, found);
}

describe("the texts of the configuration", () => {
  const texts = new Map<string, z.ZodString>();
  textsOf(labSchema, "", texts);

  it("are each in the table, or of one form", () => {
    const listed = [...FREE_TEXTS.flatMap(({ keys }) => keys), ...FIXED].sort();
    assert.deepEqual([...texts.keys()].sort(), listed);
  });

  for (const { keys, longest, refused, places } of FREE_TEXTS) {
    it(`of ${keys.join(", ")} fit where they get to, and longer ones are refused`, () => {
      for (const key of keys) {
        const schema = texts.get(key);
        assert.ok(schema, key);
        assert.equal(schema.safeParse(longest).error?.message, undefined, key);
        for (const text of refused) {
          const said = schema.safeParse(text).error?.issues[0]?.message ?? "";
          assert.notEqual(said, "", `${key} takes '${text.slice(0, 40)}'`);
        }
      }
      for (const { name, most, gets = String } of places)
        assert.ok(Buffer.byteLength(gets(longest)) <= most, `${name} takes ${most} bytes`);
    });
  }

  it("of a session fit together into one argument of the guest's shell", () => {
    const command = texts.get("guests[].session.command[]");
    assert.ok(command);
    const session = (words: string[]) =>
      labSchema.safeParse({ guests: [{ name: "mir", session: { command: words } }] }).success;
    assert.ok(session(Array<string>(3).fill("x".repeat(4096))));
    assert.ok(!session(Array<string>(4).fill("x".repeat(4096))));
  });
});

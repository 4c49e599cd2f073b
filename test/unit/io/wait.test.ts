import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "../../../io/wait";

const OPTIONS = { what: "mir: ssh", limitS: 5, everyS: 0.01 };

describe("waitFor", () => {
  it("gives the value of the first try that is done", async () => {
    let tries = 0;
    const value = await waitFor(OPTIONS, async () =>
      ++tries < 4 ? { notYet: "refused" } : { value: tries },
    );
    assert.equal(value, 4);
  });

  it("takes undefined for a value", async () => {
    assert.equal(await waitFor(OPTIONS, async () => ({ value: undefined })), undefined);
  });

  it("stops at once when a try says that it can never be done", async () => {
    let tries = 0;
    await assert.rejects(
      waitFor(OPTIONS, async () => {
        tries++;
        throw new Error("the domain crashed");
      }),
      /^Error: the domain crashed$/,
    );
    assert.equal(tries, 1);
  });

  it("says what it waited for, how long, of how long, and the last reason", async () => {
    let tries = 0;
    await assert.rejects(
      waitFor({ ...OPTIONS, limitS: 0.05 }, async () => ({ notYet: `reason ${++tries}` })),
      (error: Error) => {
        assert.equal(error.message, `not in time: mir: ssh: 0 s of 0.05 s; reason ${tries}`);
        return true;
      },
    );
    assert.ok(tries > 1);
  });

  it("tries once even where there is no time", async () => {
    assert.equal(await waitFor({ ...OPTIONS, limitS: 0 }, async () => ({ value: 1 })), 1);
  });
});

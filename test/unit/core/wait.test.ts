import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { Clock, NotYet, waitFor, WaitOptions } from "../../../core/wait";

/** A clock that only moves when somebody sleeps: the tests wait for nothing. */
class TestClock implements Clock {
  private time = 1000;
  readonly now = (): number => this.time;
  readonly sleep = async (seconds: number): Promise<void> => {
    this.time += seconds;
  };
}

const OPTIONS = { what: "mir: ssh:", limitS: 5, everyS: 1 };

/** Waits on a clock of its own for something that never comes; gives the message. */
async function failure(
  options: Partial<WaitOptions>,
  look: (seconds: number) => NotYet,
): Promise<string> {
  const clock = new TestClock();
  const start = clock.now();
  return waitFor({ ...OPTIONS, clock, ...options }, async () => look(clock.now() - start)).then(
    () => "done",
    (error: Error) => error.message,
  );
}

describe("waitFor", () => {
  it("gives the value of the first try that is done", async () => {
    let tries = 0;
    const value = await waitFor({ ...OPTIONS, clock: new TestClock() }, async () =>
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
      waitFor({ ...OPTIONS, clock: new TestClock() }, async () => {
        tries++;
        throw new Error("the domain crashed");
      }),
      /^Error: the domain crashed$/,
    );
    assert.equal(tries, 1);
  });

  it("says what it waited for, the last reason, how long, of how long", async () => {
    assert.equal(
      await failure({}, (s) => ({ notYet: `reason ${s}` })),
      "not in time: mir: ssh: reason 5; 5 s of 5 s",
    );
  });

  it("tries once even where there is no time", async () => {
    assert.equal(await waitFor({ ...OPTIONS, limitS: 0 }, async () => ({ value: 1 })), 1);
  });

  it("tells every 15 s how far it is", async () => {
    const log = mock.method(console, "log", () => undefined);
    try {
      await failure({ limitS: 40, what: "mir: readiness" }, () => ({ notYet: "3 of 14" }));
      assert.deepEqual(
        log.mock.calls.map((call) => call.arguments[0] as string),
        ["mir: readiness 3 of 14; 15 s of 40 s", "mir: readiness 3 of 14; 30 s of 40 s"],
      );
    } finally {
      log.mock.restore();
    }
  });
});

describe("progress", () => {
  const long = { limitS: 1000, stallS: 60 };

  it("carries a slow guest beyond the time in which something has to move", async () => {
    const clock = new TestClock();
    const start = clock.now();
    const waited = await waitFor({ ...OPTIONS, ...long, clock }, async () => {
      const seconds = clock.now() - start;
      return seconds < 900
        ? { notYet: "slow", moved: Math.floor(seconds / 50) }
        : { value: seconds };
    });
    assert.equal(waited, 900);
  });

  it("is missed early: a guest that hangs fails long before the limit", async () => {
    assert.equal(
      await failure(long, () => ({ notYet: "no answer", moved: 7 })),
      "not in time: mir: ssh: no answer; 60 s of 60 s, nothing moved for 60 s",
    );
  });

  it("counts from when something moved last", async () => {
    assert.match(
      await failure(long, (s) => ({ notYet: "hung", moved: Math.min(s, 100) })),
      /; 160 s of 160 s, nothing moved for 60 s$/,
    );
  });

  it("is more than ever before: up and down again is none", async () => {
    assert.match(
      await failure(long, (s) => ({ notYet: "restarting", moved: s % 2 })),
      /; 61 s of 61 s, nothing moved for 60 s$/,
    );
  });

  it("does not carry beyond the limit", async () => {
    assert.equal(
      await failure(long, (s) => ({ notYet: "still booting", moved: s })),
      "not in time: mir: ssh: still booting; 1000 s of 1000 s",
    );
  });

  it("cannot be seen where nothing is counted: then the limit of stillness ends the wait", async () => {
    assert.match(await failure(long, () => ({ notYet: "no answer" })), /; 60 s of 60 s, nothing/);
  });
});

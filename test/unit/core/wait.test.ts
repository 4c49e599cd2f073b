import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { Clock, NotYet, waitFor, WaitOptions } from "../../../core/wait";

/** A clock that only `sleep` advances, so that the tests do not wait. */
class TestClock implements Clock {
  private time = 1000;
  readonly now = (): number => this.time;
  readonly sleep = async (seconds: number): Promise<void> => {
    this.time += seconds;
  };
}

const OPTIONS = { what: "mir: ssh:", limitS: 5, everyS: 1 };

/** Waits on a clock of its own for something that never happens; returns the message. */
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
  it("returns the value of the first try that is done", async () => {
    let tries = 0;
    const value = await waitFor({ ...OPTIONS, clock: new TestClock() }, async () =>
      ++tries < 4 ? { notYet: "refused" } : { value: tries },
    );
    assert.equal(value, 4);
  });

  it("accepts undefined as a value", async () => {
    assert.equal(await waitFor(OPTIONS, async () => ({ value: undefined })), undefined);
  });

  it("stops at once when a try throws", async () => {
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

  it("names what it waited for, the last reason, the elapsed time and the limit", async () => {
    assert.equal(
      await failure({}, (s) => ({ notYet: `reason ${s}` })),
      "not in time: mir: ssh: reason 5; 5 s of 5 s",
    );
  });

  it("tries once even with a limit of 0", async () => {
    assert.equal(await waitFor({ ...OPTIONS, limitS: 0 }, async () => ({ value: 1 })), 1);
  });

  it("prints its progress every 15 s", async () => {
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

  it("extends the wait for a slow guest", async () => {
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

  it("ends the wait when it is missing: a hung guest fails long before the limit", async () => {
    assert.equal(
      await failure(long, () => ({ notYet: "no answer", moved: 7 })),
      "not in time: mir: ssh: no answer; 60 s of 60 s, no progress for 60 s",
    );
  });

  it("restarts the time without progress", async () => {
    assert.match(
      await failure(long, (s) => ({ notYet: "hung", moved: Math.min(s, 100) })),
      /; 160 s of 160 s, no progress for 60 s$/,
    );
  });

  it("is waited for as long as the machine turns out to need", async () => {
    let stall = 60;
    const slow = { limitS: 1000, stallS: () => stall };
    assert.match(
      await failure(slow, (s) => {
        if (s >= 50) stall = 300;
        return { notYet: "slow", moved: 7 };
      }),
      /; 300 s of 300 s, no progress for 300 s$/,
    );
  });

  it("is a new maximum: a count that goes up and down is no progress", async () => {
    assert.match(
      await failure(long, (s) => ({ notYet: "restarting", moved: s % 2 })),
      /; 61 s of 61 s, no progress for 60 s$/,
    );
  });

  it("does not extend the wait beyond the limit", async () => {
    assert.equal(
      await failure(long, (s) => ({ notYet: "still booting", moved: s })),
      "not in time: mir: ssh: still booting; 1000 s of 1000 s",
    );
  });

  it("is unknown without a count: then the wait ends as without progress", async () => {
    assert.match(
      await failure(long, () => ({ notYet: "no answer" })),
      /; 60 s of 60 s, no progress/,
    );
  });
});

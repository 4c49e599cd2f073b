import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { MirReadinessProps } from "../../../../components/readiness/readiness.provider";
import {
  created,
  facts,
  guest,
  keys,
  programs,
  read,
  READY,
  reset,
  share,
  STARTING,
  virsh,
} from "./provider";

beforeEach(reset);

describe("MirReadiness, read", () => {
  it("returns the state of a ready guest unchanged", async () => {
    const props = await created();
    assert.deepEqual(await read(props), props);
  });

  /** The state with the words of an earlier version. */
  const inOldWords = (props: MirReadinessProps): MirReadinessProps => ({
    ...props,
    reasons: props.reasons.map((reason) => reason.replace("; need ", ", required ")),
    verdicts: props.verdicts.map((v) => ({
      ...v,
      ...{ required: `old ${v.required}`, remedy: `old ${v.remedy}` },
    })),
  });

  it("words of an earlier version are no drift", async () => {
    guest(facts({ kernel: { newestInstalled: "6.12.0-1-amd64" } }));
    const ready = inOldWords(await created());
    assert.ok(ready.verdicts.some((v) => v.status === "unmet"));
    assert.deepEqual(await read(ready), ready);
    guest(STARTING);
    const notReady = inOldWords(await read(ready));
    assert.match(notReady.reasons.join("\n"), /^session: found activating, required /);
    assert.deepEqual(await read(notReady), notReady);
  });

  it("another finding gets the words of this version", async () => {
    const old = inOldWords(await created());
    guest(STARTING);
    const seen = await read(old);
    const isOld = (id: string): boolean | undefined =>
      seen.verdicts.find((v) => v.id === id)?.remedy.startsWith("old ");
    assert.deepEqual([isOld("session"), isOld("kernel")], [false, true]);
    assert.match(seen.reasons.join("\n"), /^session: found activating; need mir-session\.service/);
    // A kept reason must not hide a new one.
    guest(facts({ session: { activeState: "failed", result: "exit-code", activeSeconds: null } }));
    assert.match((await read(inOldWords(seen))).reasons.join("\n"), /^session: found failed/);
  });

  it("reports what the guest lost", async ({ mock }) => {
    const props = await created();
    const said = mock.method(console, "log", () => undefined);
    assert.deepEqual(await read(props), props);
    assert.equal(said.mock.callCount(), 0, "of a guest that is ready it says nothing");
    guest(STARTING);
    const seen = await read(props);
    assert.match(String(said.mock.calls[0]?.arguments[0]), /^\S+: session: found .*; need /);
    assert.equal(seen.status, "not ready");
    assert.deepEqual(
      seen.reasons.map((r) => r.split(":")[0]),
      ["session"],
    );
  });

  it("trusts no picture of a time before the display's driver complained, until a new one is taken", async () => {
    const log = "in the kernel's log, the last: [drm] *ERROR* qxl: ";
    const [before, now] = [[`qxl: 1 ${log}at boot`], [`qxl: 2 ${log}fence timed out`]];
    guest(facts({ signs: before }));
    const props = await created();
    assert.deepEqual(await read(props), props, "what the picture was taken with is known");
    guest(facts({ signs: now }));
    const seen = await read(props);
    assert.equal(seen.status, "not ready");
    assert.match(
      seen.reasons.join("\n"),
      /^picture: found signs of a frozen display: qxl: 2 .*fence timed out; need .*; fix: run 'up': it takes a new picture/,
    );
    assert.equal((await read(seen)).status, "not ready", "a refresh that is kept proves nothing");
    reset();
    guest(facts({ signs: now }));
    assert.deepEqual(
      (await read(await created())).reasons,
      [],
      "a new picture is of the time since",
    );
  });

  it("reports a guest that does not answer, and keeps the last facts", async () => {
    const props = await created();
    programs.set("ssh", "echo 'Connection refused' >&2; exit 255");
    const seen = await read(props);
    assert.deepEqual(
      [seen.status, seen.reasons, seen.facts],
      ["unreachable", ["Connection refused"], props.facts],
    );
  });

  it("reports a domain that does not run without a login to its guest", async () => {
    const props = await created();
    virsh("paused (user)");
    programs.set("ssh", "echo asked >&2; exit 255");
    const seen = await read(props);
    assert.deepEqual(
      [seen.status, seen.reasons],
      [
        "unreachable",
        [
          "domain mirlab-dev-mir: found paused (user); need running; fix: run 'virsh resume mirlab-dev-mir'",
        ],
      ],
    );
  });

  it("reports a share that is no longer mounted", async () => {
    const shared = { share: { path: share, mount: "/mnt/share", readonly: false } };
    const props = await created(shared);
    const all = JSON.parse(READY) as object;
    guest(JSON.stringify({ ...all, share: [] }));
    assert.match(
      (await read(props)).reasons.join("\n"),
      /^share: found no 9p mount on \/mnt\/share; /,
    );
  });

  it("sends no key, takes no picture and writes no file into the share", async () => {
    const props = await created();
    rmSync(keys, { force: true });
    rmSync(join(programs.folder, "ssh.log"), { force: true });
    programs.set("virsh", `[[ $* == *domstate* ]] || exit 1; echo 'running (booted)'`);
    assert.equal((await read(props)).status, "ready");
    const asked = readFileSync(join(programs.folder, "ssh.log"), "utf8");
    assert.equal(asked.match(/^sudo -n /gm)?.length, 1, "one round trip");
    assert.match(asked, /^sudo -n env 'LC_ALL=C\.UTF-8' 'LANGUAGE=' python3 -I -S -c /);
  });

  it("reads the state of a version without verdicts", async () => {
    const { verdicts, ...old } = await created();
    assert.ok(verdicts.length > 0);
    assert.equal((await read(old as MirReadinessProps)).status, "ready");
  });

  for (const how of ["lost", "changed"]) {
    it(`reports a ${how} picture`, async () => {
      const props = await created();
      if (how === "lost") rmSync(props.picture);
      else writeFileSync(props.picture, "x");
      const seen = await read(props);
      assert.equal(seen.status, "not ready");
      assert.match(
        seen.reasons.join("\n"),
        /^picture: found .*screen\.png is missing or was changed; need .*; fix: run 'up': it takes a new picture$/,
      );
    });
  }
});

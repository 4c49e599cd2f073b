import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import { forgetLooks } from "../../../../components/guest/look.io";
import {
  MirReadinessInputs,
  MirReadinessProps,
  provider,
} from "../../../../components/readiness/readiness.provider";
import { LIMITS_S, SETTLED_S, STALL_S } from "../../../../core/limits";
import { toPng } from "../../../../components/readiness/picture";
import { FACTS, FakePrograms, fixture, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const folder = temporaryFolder();
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const READY = fixture(FACTS.ready);
const share = join(folder, "share");

const INPUTS: MirReadinessInputs = {
  guest: { config: "/nowhere/ssh_config", alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  bootId: "0f0f0f0f-0000-4000-8000-000000000000",
  acceleration: "kvm",
  serialLog: "",
  gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
  picture: join(folder, "lab", "mir", "screen.png"),
  session: "active",
};

type Facts = Record<string, object>;

/** The real answer with parts of its facts changed. */
function facts(changes: Record<string, object> = {}): string {
  const all = JSON.parse(READY) as Facts;
  for (const [name, change] of Object.entries(changes)) all[name] = { ...all[name], ...change };
  return JSON.stringify(all);
}

/** A session that is still starting. */
const STARTING = facts({
  session: { activeState: "activating", activeSeconds: null, libraries: [] },
  mirLog: { displayDriver: null },
});

/** A screen with a window, or an empty one; it changes after a key. */
function screen(drawn: boolean, key = true): void {
  const rgb = new Uint8Array(64 * 48 * 3);
  if (drawn) rgb.fill(200, 0, rgb.length / 2);
  writeFileSync(join(programs.folder, "screen"), toPng({ width: 64, height: 48, rgb }));
  if (key) rgb.fill(100, 0, 30);
  writeFileSync(join(programs.folder, "screen-after-key"), toPng({ width: 64, height: 48, rgb }));
}

/** A guest with these facts; `answer` is the command that answers the nonce in the share. */
function guest(facts: string, answer = 'printf "%s answered" "$nonce" >"$file.answer"'): void {
  writeFileSync(join(programs.folder, "facts.json"), facts);
  const looks = { "facts.py": { code: 0, out: facts, err: "" } };
  writeFileSync(join(programs.folder, "looks.json"), JSON.stringify(looks));
  programs.set(
    "ssh",
    `cat >/dev/null
words=\${*: -1}
printf '%s\\n' "$words" >>"${programs.folder}/ssh.log"
if [[ $words == *" check "* ]]; then
  nonce=$(sed -E 's/.* ([0-9a-f]{64}) .*/\\1/' <<<"$words") file="${share}/.mirlab-$nonce"
  [[ -e $file ]] || { echo "no nonce" >&2; exit 1; }
  ${answer}
  exit
fi
# A look of a preview asks several scripts at once.
if [[ $words == *"python3 -I -S -c "* ]]; then cat "${programs.folder}/looks.json"
else cat "${programs.folder}/facts.json"; fi`,
  );
  forgetLooks();
}

function virsh(state = "running (booted)"): void {
  programs.set(
    "virsh",
    `case "$*" in
  *domstate*) echo "${state}" ;;
  *domstats*) echo "block.0.rd.reqs=1" ;;
  *send-key*)
    echo "$*" >>"${programs.folder}/keys.log"
    cp "${programs.folder}/screen-after-key" "${programs.folder}/screen"
    ;;
  *screenshot*) cp "${programs.folder}/screen" "\${*: -1}" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
  );
}

/** Seconds to wait: none, except in the tests of waiting. */
const limits = LIMITS_S.kvm as { ssh: number; session: number };
const stall = STALL_S.kvm as { ssh: number; session: number };
const settled = SETTLED_S as { kvm: number };
const keys = join(programs.folder, "keys.log");

beforeEach(() => {
  Object.assign(limits, { ssh: 0, session: 0 });
  Object.assign(stall, { ssh: 60, session: 60 });
  settled.kvm = 1e9;
  rmSync(INPUTS.picture, { force: true });
  rmSync(keys, { force: true });
  rmSync(share, { recursive: true, force: true });
  mkdirSync(share);
  screen(true);
  guest(READY);
  virsh();
});

async function created(change: Partial<MirReadinessInputs> = {}): Promise<MirReadinessProps> {
  const { id, outs } = await provider.create({ ...INPUTS, ...change });
  assert.equal(id, INPUTS.bootId);
  return outs as MirReadinessProps;
}

/** The failure in Pulumi's form: the properties for the state, and the printed reasons. */
async function failure(change: Partial<MirReadinessInputs> = {}) {
  try {
    await provider.create({ ...INPUTS, ...change });
  } catch (error) {
    return error as Error & { id?: string; properties?: MirReadinessProps; reasons?: string[] };
  }
  throw new Error("the guest is ready");
}

async function read(props: MirReadinessProps): Promise<MirReadinessProps> {
  const result = await provider.read?.(INPUTS.bootId, props);
  assert.equal(result?.id, INPUTS.bootId);
  return result.props as MirReadinessProps;
}

const failuresOf = async (gates: unknown) =>
  (await provider.check?.(undefined as never, { ...INPUTS, gates } as never))?.failures ?? [];

describe("MirReadiness, checked", () => {
  const table: [string, unknown, string[]][] = [
    ["the page's floors", INPUTS.gates, []],
    ["higher ones", { kernel: "6.1", mesa: ">= 22.3.6" }, []],
    [
      "a low kernel",
      { kernel: ">= 3.17", mesa: "10.3.0" },
      ["gates.kernel: '>= 3.17' is below the page's floor '>= 3.18'; raise it or drop the key"],
    ],
    [
      "a low Mesa",
      { kernel: "3.18", mesa: "10.2.9" },
      ["gates.mesa: '>= 10.2.9' is below the page's floor '>= 10.3.0'; raise it or drop the key"],
    ],
    [
      "two malformed ones",
      { kernel: "latest", mesa: "" },
      [
        "gates.kernel: 'latest' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 3.18'",
        "gates.mesa: '' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 10.3.0'",
      ],
    ],
    ["unknown ones", { kernel: UNKNOWN, mesa: UNKNOWN }, []],
    ["an unknown object", UNKNOWN, []],
    ["none", undefined, []],
  ];
  for (const [what, gates, expected] of table) {
    it(`${expected.length === 0 ? "accepts" : "refuses"} ${what}`, async () => {
      const failures = await failuresOf(gates);
      assert.deepEqual(
        failures.map((f) => `${f.property}: ${f.reason}`),
        expected,
      );
    });
  }
});

describe("MirReadiness, created", () => {
  it("stores the measurements and the picture", async () => {
    const props = await created();
    assert.equal(props.status, "ready");
    assert.deepEqual(props.reasons, []);
    assert.equal(props.facts?.mesa, "22.3.6");
    assert.match(props.pictureSha256, /^[0-9a-f]{64}$/);
    assert.ok(Math.abs(Date.parse(props.pictureTime) - Date.now()) < 60_000);
    assert.equal(statSync(INPUTS.picture).mode & 0o777, 0o600);
    assert.ok(readFileSync(INPUTS.picture).subarray(1, 4).equals(Buffer.from("PNG")));
  });

  it("runs its script in the guest as root, sent on standard input", async () => {
    rmSync(join(programs.folder, "ssh.log"), { force: true });
    await created();
    assert.equal(
      readFileSync(join(programs.folder, "ssh.log"), "utf8"),
      // The second script reads the session's log for the report.
      "true\nsudo -n python3 -I -S -\nsudo -n bash -s -- 400\n",
    );
  });

  it("fails at once on an unmet version, and keeps the measurements", async () => {
    const error = await failure({ gates: { kernel: ">= 99.0", mesa: ">= 98.0" } });
    assert.equal(error.message, "mirlab-dev-mir is not ready");
    assert.equal(error.id, INPUTS.bootId);
    assert.deepEqual(error.reasons, [
      "kernel: found 6.1.0-56-amd64; need >= 99.0; fix: install a newer kernel by guests[].kernel (docs/builds.md), or lower guests[].gates.kernel",
      "mesa: found 22.3.6; need >= 98.0; fix: install a newer Mesa by guests[].mesa (docs/builds.md), or lower guests[].gates.mesa",
    ]);
    assert.equal(error.properties?.status, "not ready");
    assert.deepEqual(error.properties.reasons, error.reasons);
    assert.equal(error.properties.facts?.kernel, "6.1.0-56-amd64");
    assert.equal("__provider" in error.properties, false);
  });

  it("waits for a session that is still starting", async () => {
    limits.session = 60;
    guest(STARTING);
    setTimeout(() => guest(READY), 1000);
    assert.equal((await created()).status, "ready");
  });

  it("fails at once when the domain does not run, with the command to start it", async () => {
    virsh("shut off (crashed)");
    const error = await failure();
    assert.deepEqual(
      [error.id, error.reasons],
      [
        INPUTS.bootId,
        [
          "domain: found shut off (crashed); need running; fix: run 'virsh start mirlab-dev-mir'; the serial log says why it stopped",
        ],
      ],
    );
    assert.deepEqual(
      error.properties?.verdicts.map((v) => [v.id, v.status]),
      [["domain", "unmet"]],
    );
  });

  it("reports a full disk of the host, and a domain that somebody suspended", async () => {
    virsh("paused (I/O error)");
    assert.match(
      (await failure()).reasons?.[0] ?? "",
      /^domain: found paused \(I\/O error\); need running; fix: make room on the host's disk, or repair it, then run 'virsh resume mirlab-dev-mir'$/,
    );
    virsh("paused (user)");
    assert.match(
      (await failure()).reasons?.[0] ?? "",
      /^domain: found paused \(user\); need running; fix: run 'virsh resume mirlab-dev-mir'$/,
    );
  });

  it("fails when the guest does not answer", async () => {
    programs.set("ssh", "echo 'ssh: connect to host 127.0.0.1: Connection refused' >&2; exit 255");
    const error = await failure();
    assert.match(
      error.reasons?.[0] ?? "",
      /^ssh: found no login: not in time: mirlab-dev-mir: ssh: ssh: connect to host 127\.0\.0\.1: Connection refused; \d+ s of 0 s; need a login with the pinned host key; fix: check the guest's screen and its serial log$/,
    );
  });

  it("fails at once on a panic, with the console's last lines", async () => {
    limits.ssh = 60;
    programs.set("ssh", "exit 255");
    const serialLog = join(folder, "serial.log");
    writeFileSync(serialLog, "booting\n");
    setTimeout(() => writeFileSync(serialLog, "booting\nKernel panic - not syncing: test\n"), 500);
    const error = await failure({ serialLog });
    assert.match(
      error.reasons?.[0] ?? "",
      /^serial: found a kernel panic: Kernel panic - not syncing: test; need no kernel panic/,
    );
    assert.match(error.reasons?.[1] ?? "", /^last lines of .*serial\.log:\nbooting\nKernel panic/);
  });

  it("fails when another machine answers", async () => {
    programs.set("ssh", "echo 'Host key verification failed.' >&2; exit 255");
    assert.match(
      (await failure()).reasons?.[0] ?? "",
      /^ssh: found another SSH host key than the pinned one; need a login with the pinned host key; fix: run 'pulumi up --replace' on the guest's domain, if you replaced the key$/,
    );
  });

  it("retries after a guest lost its connection for a moment", async () => {
    limits.session = 60;
    const mark = join(programs.folder, "asked");
    writeFileSync(join(programs.folder, "facts.json"), READY);
    programs.set(
      "ssh",
      `cat >/dev/null; [[ \${*: -1} == true ]] && exit 0
[[ -e ${mark} ]] || { touch ${mark}; echo 'Connection reset' >&2; exit 255; }
cat "${programs.folder}/facts.json"`,
    );
    assert.equal((await created()).status, "ready");
  });

  it("fails at once on a session that nothing will start", async () => {
    limits.session = 60;
    for (const [change, reason] of [
      [
        { activeState: "failed", result: "exit-code" },
        /^session: found failed \(exit-code\); need/,
      ],
      [{ activeState: "inactive" }, /^session: found inactive; need/],
      [{ activeState: "inactive", loadState: "masked" }, /^session: found masked; need .*unmask/],
    ] as const) {
      guest(facts({ session: { ...change, activeSeconds: null } }));
      const error = await failure();
      assert.match(error.reasons?.join("\n") ?? "", reason);
      assert.ok(!error.reasons?.some((r) => r.includes("not in time")));
    }
  });

  it("gives no fix for checks that waiting may meet, beside others", async () => {
    limits.session = 60;
    const session = { activeState: "failed", result: "exit-code", activeSeconds: null };
    guest(facts({ session, cloudInit: { status: "running" } }));
    const reasons = (await failure()).reasons?.join("\n") ?? "";
    assert.match(reasons, /^session: found failed \(exit-code\); need .*; fix: read 'journalctl/m);
    assert.match(reasons, /^cloud-init: found running; not judged: waiting may change it$/m);
  });

  it("does not wait for checks that a session has not met long after its start", async () => {
    limits.session = 60;
    settled.kvm = 60;
    guest(facts({ wayland: { windows: [] } }));
    const error = await failure();
    assert.deepEqual(
      error.reasons?.map((r) => r.split(":")[0]),
      ["window"],
    );
  });

  it("is ready with a warning, which the state keeps", async () => {
    guest(facts({ kernel: { newestInstalled: "6.12.0-1-amd64" } }));
    const props = await created();
    assert.deepEqual([props.status, props.reasons], ["ready", []]);
    assert.deepEqual(
      props.verdicts.filter((v) => v.status === "unmet").map((v) => [v.id, v.fatal]),
      [["kernel-newest", false]],
    );
  });

  it("refuses a malformed answer", async () => {
    guest("<html>");
    assert.equal((await failure()).message, "facts: the guest's answer is not JSON");
  });
});

describe("MirReadiness and the share", () => {
  const shared = { share: { path: share, mount: "/mnt/share", readonly: false } };
  const remedy =
    "run 'systemctl restart' for the mount unit in the guest, and let libvirt-qemu write the host's folder";

  it("proves the share in both directions, and leaves nothing in the folder", async () => {
    assert.equal((await created(shared)).status, "ready");
    assert.deepEqual(existsSync(share) && (await import("node:fs")).readdirSync(share), []);
  });

  it("fails when the guest does not answer through it", async () => {
    guest(READY, ":");
    const error = await failure(shared);
    assert.deepEqual(error.reasons, [
      `share: found no answer of the guest in ${share}; ` +
        `need the host's ${share} mounted at /mnt/share in the guest; fix: ${remedy}`,
      // The share could still have been mounted: the wait reports how long it waited.
      error.reasons?.[1],
    ]);
    assert.match(
      error.reasons?.[1] ?? "",
      /^not in time: \S+: readiness 24 of 25, not yet share; \d+ s of 0 s$/,
    );
  });

  it("fails when a guest writes to a read-only one", async () => {
    const error = await failure({ share: { ...shared.share, readonly: true } });
    assert.match(
      error.reasons?.[0] ?? "",
      /^share: found a file that the guest wrote in .*; need .* in the guest, read-only; fix: /,
    );
  });

  it("fails when the folder is missing on the host", async () => {
    const error = await failure({ share: { ...shared.share, path: join(folder, "gone") } });
    assert.match(
      error.reasons?.[0] ?? "",
      /^share: found no folder .*gone on the host: create it, or drop guests\[\]\.share\.path; need /,
    );
  });
});

describe("MirReadiness and the keyboard", () => {
  it("stores the picture after the key", async () => {
    const props = await created();
    assert.equal(
      readFileSync(keys, "utf8"),
      "--quiet --connect qemu:///system send-key mirlab-dev-mir --codeset linux KEY_M\n",
    );
    const kept = readFileSync(INPUTS.picture);
    assert.ok(kept.equals(readFileSync(join(programs.folder, "screen-after-key"))));
    assert.equal(props.pictureSha256, createHash("sha256").update(kept).digest("hex"));
  });

  it("sends no key to a configured client, or without a client", async () => {
    for (const [client, why] of [
      ["configured", "the client is a configured one: what it makes of a key is not known"],
      ["none", "no client is declared"],
    ]) {
      guest(facts({ session: { client } }));
      const props = await created();
      const verdict = props.verdicts.find((v) => v.id === "keyboard");
      assert.deepEqual([props.status, verdict?.status, verdict?.found], ["ready", "skipped", why]);
      assert.ok(!existsSync(keys));
    }
  });

  it("sends no key before there is a picture", async () => {
    screen(false);
    const error = await failure();
    assert.match(error.reasons?.[0] ?? "", /^picture: found one colour; need a screen that/);
    const verdict = error.properties?.verdicts.find((v) => v.id === "keyboard");
    assert.deepEqual([verdict?.status, verdict?.found], ["skipped", "not tried before picture"]);
    assert.ok(!existsSync(keys));
  });
});

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

  it("reports what the guest lost", async () => {
    const props = await created();
    guest(STARTING);
    const seen = await read(props);
    assert.equal(seen.status, "not ready");
    assert.deepEqual(
      seen.reasons.map((r) => r.split(":")[0]),
      ["session"],
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
    assert.match(asked, /^sudo -n python3 -I -S -c /);
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

describe("MirReadiness and its report", () => {
  const report = join(folder, "lab", "mir", "results", "report.html");
  const shown = (): string => readFileSync(report, "utf8");

  it("writes one with the picture, of a ready guest and of another one", async () => {
    await created();
    assert.match(shown(), /Ready: 24 of 24 checks met/);
    await failure({ gates: { kernel: ">= 99.0", mesa: ">= 10.3.0" } });
    assert.match(shown(), /Not ready: 22 of 23 checks met/);
    assert.match(shown(), /src="data:image\/png;base64,/);
  });

  it("writes one of a guest that does not answer, with the reason and no old picture", async () => {
    await created();
    programs.set("ssh", "echo 'ssh: connect to host 127.0.0.1: Connection refused' >&2; exit 255");
    await failure();
    assert.match(shown(), /Not ready: 0 of 1 checks met[^]*Connection refused/);
    assert.doesNotMatch(shown(), /data:image/);
  });

  it("writes none in a refresh, which reports a missing one", async () => {
    const props = await created();
    rmSync(report);
    const seen = await read(props);
    assert.deepEqual([seen.status, seen.reasons], ["not ready", [`report: ${report} is missing`]]);
    assert.equal(existsSync(report), false);
  });
});

describe("MirReadiness, compared", () => {
  const table: [string, Partial<MirReadinessProps>, Partial<MirReadinessInputs>, boolean][] = [
    ["nothing changed", {}, {}, false],
    ["the guest is unreachable", { status: "unreachable" }, {}, true],
    ["the guest is not ready", { status: "not ready" }, {}, true],
    ["a gate was raised", {}, { gates: { kernel: ">= 6.1", mesa: ">= 10.3.0" } }, true],
    ["the session changed", {}, { session: "other" }, true],
    ["the domain was re-created", {}, { bootId: "1" }, true],
  ];
  for (const [what, old, next, changes] of table) {
    it(`${changes ? "updates" : "does nothing"} when ${what}`, async () => {
      const props = { ...(await created()), ...old, __provider: "old" } as MirReadinessProps;
      const news = { ...INPUTS, ...next, __provider: "new" } as MirReadinessInputs;
      assert.equal((await provider.diff?.(INPUTS.bootId, props, news))?.changes, changes);
    });
  }
});

describe("MirReadiness, deleted", () => {
  it("removes its picture and its report, and nothing else", async () => {
    const props = await created();
    const other = join(folder, "lab", "mir", "notes.txt");
    writeFileSync(other, "mine");
    await provider.delete?.(INPUTS.bootId, props);
    assert.deepEqual([existsSync(props.picture), existsSync(other)], [false, true]);
    assert.equal(existsSync(join(folder, "lab", "mir", "results")), false);
    await provider.delete?.(INPUTS.bootId, props);
  });
});

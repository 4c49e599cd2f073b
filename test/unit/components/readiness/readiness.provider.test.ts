import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import {
  MirReadinessInputs,
  MirReadinessProps,
  provider,
} from "../../../../components/readiness/readiness.provider";
import {
  created,
  facts,
  failure,
  folder,
  guest,
  INPUTS,
  limits,
  programs,
  read,
  READY,
  reset,
  settled,
  STARTING,
  virsh,
} from "./provider";

beforeEach(reset);

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

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
      "true\nsudo -n env 'LC_ALL=C.UTF-8' 'LANGUAGE=' python3 -I -S -\nsudo -n env 'LC_ALL=C.UTF-8' 'LANGUAGE=' bash -s -- 400\n",
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

import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it, mock } from "node:test";
import {
  GuestContractInputs,
  GuestContractProps,
  provider,
} from "../../../../components/guest/contract.provider";
import { forgetLooks } from "../../../../components/guest/look.io";
import { GuestObservation } from "../../../../components/guest/observation";
import { CONTRACT, observed } from "../../guest";
import { FakePrograms, ROOT } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const file = (name: string): string => join(programs.folder, name);

const INPUTS: GuestContractInputs = {
  ...CONTRACT,
  name: "mir",
  guest: { config: "/nowhere/ssh_config", alias: "mirlab-dev-mir" },
  boot: "uuid#1",
  onDrift: "heal",
  drift: [],
};

/** A guest that answers with `look`. It records each step of `up`, then answers with `look.healed`. */
programs.set(
  "ssh",
  `cd "${programs.folder}"; words=\${*: -1}
[[ ! -e down ]] || { echo 'ssh: connect to host 127.0.0.1: Connection refused' >&2; exit 255; }
case $words in
  *" python3 -I -S - verify") cat >/dev/null; echo verify >>calls; cat look ;;
  *" python3 -I -S -c "*) cat >/dev/null; echo look >>calls; cat mux ;;
  *" bash -c "*)
    step=\${words##*$'\\n'}; step=\${step#*\\' }
    printf '%s <%s>\\n' "$step" "$(cat)" >>calls
    [[ ! -e broken ]] || { echo 'heal: no mirror' >&2; exit 1; }
    [[ ! -e look.healed ]] || cp look.healed look
    ;;
  *) echo "unexpected: $words" >&2; exit 1 ;;
esac`,
);

type Change = Parameters<typeof observed>[0];

/** A look with the files that this checkout's scripts write, so that the real \`describe\` agrees. */
async function lookOf(change?: Change): Promise<GuestObservation> {
  const { run } = await import("../../../../core/exec.io");
  const { scriptText } = await import("../../../../core/link.io");
  const described = await run(["bash", "-s", "--", "describe"], {
    stdin: scriptText("guest/session.sh"),
  });
  const lines = described.stdout.toString().trim().split("\n");
  return observed((g) => {
    g.time = Date.now() / 1000;
    g.session = lines.slice(0, -1).map((line) => {
      const [mode = "", sha256 = "", path = ""] = line.split(" ");
      return { path, kind: "file", mode, owner: "0:0", sha256 };
    });
    change?.(g);
  });
}

async function guest(change?: Change, name = "look"): Promise<void> {
  const look = await lookOf(change);
  writeFileSync(file(name), JSON.stringify(look));
  if (name !== "look") return;
  const unread = { ...look, packages: { ...look.packages, changed: null, initrdSha256: null } };
  const part = (out: unknown) => ({ code: 0, out: JSON.stringify(out), err: "" });
  writeFileSync(file("mux"), JSON.stringify({ "observe.py": part(unread) }));
}

function calls(): string[] {
  const lines = existsSync(file("calls")) ? readFileSync(file("calls"), "utf8").trim() : "";
  rmSync(file("calls"), { force: true });
  return lines.split("\n");
}

let printed: string[] = [];

beforeEach(async () => {
  for (const name of ["down", "broken", "look.healed", "calls"])
    rmSync(file(name), { force: true });
  forgetLooks();
  printed = [];
  mock.restoreAll();
  mock.method(console, "log", (line: string) => printed.push(line));
  await guest();
});

async function created(inputs = INPUTS): Promise<GuestContractProps> {
  const { id, outs } = await provider.create(inputs);
  assert.equal(id, "mirlab-dev-mir-contract");
  calls();
  return outs as GuestContractProps;
}

async function read(props: GuestContractProps): Promise<GuestContractProps> {
  forgetLooks();
  const result = await provider.read?.("id", props);
  assert.deepEqual(result?.inputs?.drift, result?.props?.drift, "a preview shows inputs");
  return result?.props as GuestContractProps;
}

async function changes(olds: GuestContractProps, news = INPUTS): Promise<boolean> {
  return (await provider.diff?.("id", olds, news))?.changes ?? false;
}

const wrongGroups: Change = (g) => (g.account ? (g.account.groups = ["video"]) : undefined);
const HOLD: Change = (g) => g.packages?.holds.push("libgbm1");

describe("GuestContract", () => {
  it("reads the files once, records values, and prints nothing without differences", async () => {
    await provider.create(INPUTS);
    assert.deepEqual(calls(), ["verify"]);
    const props = await created();
    assert.equal(props.status, "as declared");
    assert.equal(props.recorded["clock: timezone"], "UTC");
    const now = await read(props);
    assert.deepEqual([now.drift, printed, calls()], [[], [], ["look"]]);
    assert.equal(await changes(now), false);
  });

  it("prints a difference once, shows it as a change, and repairs it", async () => {
    const props = await created();
    await guest(wrongGroups);
    const now = await read(props);
    assert.deepEqual(now.drift, [
      "account mir: groups declared input render video, found video; up sets it",
    ]);
    assert.deepEqual(
      printed,
      now.drift.map((line) => `mir: ${line}`),
    );
    assert.equal(now.status, "drifted");
    assert.equal(await changes(now), true);
    calls();
    await guest(undefined, "look.healed");
    const outs = (await provider.update?.("id", now, INPUTS))?.outs as GuestContractProps;
    assert.deepEqual(outs.drift, []);
    assert.deepEqual(calls(), [
      "verify",
      "heal.sh account mir /bin/bash input,render,video <>",
      "verify",
    ]);
  });

  it("sends a step its data on standard input: keys and recorded files", async () => {
    const props = await created();
    await guest((g) => {
      g.account?.authorized.keys.push({ fingerprint: "SHA256:zzz", options: "" });
      const own = g.files?.find((f) => f.path.endsWith("mirlab.cfg"));
      if (own) own.mode = "600";
    });
    await guest(undefined, "look.healed");
    await provider.update?.("id", props, INPUTS);
    const steps = calls().join("\n");
    assert.match(steps, /heal\.sh keys mir <ssh-ed25519 AAAAC3\S+ mirlab>/);
    assert.match(steps, /heal\.sh file \/etc\/default\/grub\.d\/mirlab\.cfg 644 <GRUB_TIMEOUT=0\n/);
  });

  it("removes the old session, then installs the session by its own script", async () => {
    const props = await created();
    await guest((g) => Object.assign(g.units?.["mir-session.service"] ?? {}, { active: false }));
    await guest(undefined, "look.healed");
    await provider.update?.("id", props, INPUTS);
    const [, first, second] = calls();
    assert.match(first ?? "", /^heal\.sh session \/usr\/local\/lib\/mir-session\/run \//);
    assert.equal(second, "session.sh install <>");
  });

  it("records a change by the owner, and reports it once", async () => {
    const props = await created();
    await guest(HOLD);
    const now = await read(props);
    assert.equal(now.drift.length, 1);
    const outs = (await provider.update?.("id", now, INPUTS))?.outs as GuestContractProps;
    assert.ok(!calls().some((line) => line.startsWith("heal.sh")));
    assert.deepEqual((await read(outs)).drift, []);
  });

  it("fails with the differences that remain", async () => {
    const props = await created();
    await guest(wrongGroups);
    await assert.rejects(provider.update?.("id", props, INPUTS) ?? assert.fail(), {
      message:
        "mir: found 1 difference(s) after the repair; need none\n  account mir: groups declared input render video, found video; up sets it",
    });
  });

  it("fails with the message of a failed step", async () => {
    const props = await created();
    await guest(wrongGroups);
    writeFileSync(file("broken"), "");
    await assert.rejects(
      provider.update?.("id", props, INPUTS) ?? assert.fail(),
      /up sets it; the repair failed: heal: no mirror$/,
    );
  });

  it("only reports with onDrift 'report'", async () => {
    const inputs = { ...INPUTS, onDrift: "report" as const };
    const props = await created(inputs);
    await guest(wrongGroups);
    const now = await read(props);
    printed = [];
    const outs = (await provider.update?.("id", now, inputs))?.outs as GuestContractProps;
    assert.deepEqual(printed, [
      "mir: account mir: groups declared input render video, found video; up sets it (only reported: onDrift is 'report')",
    ]);
    assert.equal(outs.drift.length, 1);
    assert.ok(!calls().some((line) => line.startsWith("heal.sh")));
  });

  it("only reports after a reboot of the guest too, and undoes no drift for an edited declaration", async () => {
    const inputs = { ...INPUTS, onDrift: "report" as const };
    const props = await created(inputs);
    await guest(wrongGroups);
    const now = await read(props);
    await provider.update?.("id", now, { ...inputs, boot: "uuid#2" });
    assert.ok(!calls().some((line) => line.startsWith("heal.sh")));
    const share = { tag: "other", mount: "/mnt/other" };
    await assert.rejects(
      provider.update?.("id", now, { ...inputs, share }) ?? assert.fail(),
      /^Error: mir: found a changed declaration and drift that is only to be reported \(account mir: .*\); need one of them alone/,
    );
    assert.ok(!calls().some((line) => line.startsWith("heal.sh")));
  });

  it("holds nothing of an earlier disk against a new one", async () => {
    const props = await created();
    await guest(HOLD);
    printed = [];
    const news = { ...INPUTS, disk: "mir-vm-abc-2.qcow2" };
    const outs = (await provider.update?.("id", props, news))?.outs as GuestContractProps;
    assert.deepEqual(printed, []);
    assert.deepEqual((await read(outs)).drift, []);
  });

  it("reports no drift of a guest that does not answer, and changes nothing", async () => {
    const props = await created();
    writeFileSync(file("down"), "");
    const now = await read(props);
    assert.deepEqual([now.status, now.drift], ["unreachable", []]);
    assert.deepEqual(printed, [
      "mir: unreachable (ssh: connect to host 127.0.0.1: Connection refused): the guest was not checked",
    ]);
    assert.equal(await changes(now), false);
    assert.deepEqual(now.recorded, props.recorded);
  });

  it("runs again after a start by the lab", async () => {
    const props = await created();
    assert.equal(await changes(props, { ...INPUTS, boot: "uuid#2" }), true);
  });

  it("reads the files again only if one was touched, and remembers intact ones", async () => {
    const props = await created();
    await guest((g) => Object.assign(g.packages ?? {}, { signature: "ab".repeat(32) }));
    const now = await read(props);
    assert.deepEqual([calls(), now.drift], [["look", "verify"], []]);
    await read(now);
    assert.deepEqual(calls(), ["look"]);
  });

  it("refuses a malformed answer", async () => {
    const props = await created();
    writeFileSync(file("mux"), JSON.stringify({ "observe.py": { code: 0, out: "x", err: "" } }));
    forgetLooks();
    await assert.rejects(provider.read?.("id", props) ?? assert.fail(), /answer is not JSON/);
  });
});

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import {
  failWithEvidence,
  leaveEvidence,
  removeEvidence,
  Subject,
} from "../../../../components/report/evidence.io";
import { childrenOf } from "../../../../core/xml";
import { READY, verdict } from "../../evidence";
import { FakePrograms, ROOT, rootOf, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const home = temporaryFolder();
const folder = join(home, "labs", "dev", "mir");
const results = join(folder, "results");
const picture = join(folder, "screen.png");
const serial = join(home, "serial.log");
const ALL = ["facts.json", "junit.xml", "report.html", "screen.png", "serial.log", "session.log"];

const SUBJECT: Subject = {
  guest: { config: join(folder, "ssh_config"), alias: "mirlab-dev-mir" },
  domain: "mirlab-dev-mir",
  acceleration: "tcg",
  serialLog: serial,
};
const MEASURED = {
  verdicts: READY.verdicts,
  facts: { kernel: "6.1.0", mesa: "22.3.6", mir: null },
  picture,
  pictureTime: "2026-11-25T16:14:27.001Z",
};

const text = (name: string): string => readFileSync(join(results, name), "utf8");
const mode = (path: string): number => statSync(path).mode & 0o777;

/** The lines that `work` prints. */
async function printed(work: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const usual = console.log;
  console.log = (line: string) => void lines.push(line);
  await work().finally(() => (console.log = usual));
  return lines;
}

/** A proof that fails like MirReadiness. */
const failed = (more: object): Promise<never> =>
  Promise.reject(Object.assign(new Error("mirlab-dev-mir is not ready"), more));

beforeEach(() => {
  delete process.env.MIRLAB_RESULTS;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(picture, READY.pictures[0]?.png ?? "");
  writeFileSync(serial, "\u001b[31mlogin:\u001b[0m\n");
  programs.set(
    "ssh",
    `cat >"${programs.folder}/script"; echo "$*" >"${programs.folder}/ssh.log"; echo "mir started"`,
  );
});

describe("leaveEvidence", () => {
  it("passes the outcome on, and writes all files for the user only", async () => {
    const lines = await printed(async () => {
      assert.equal(await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED)), MEASURED);
    });
    assert.deepEqual(lines, [`mirlab-dev-mir: report ${results}/report.html`]);
    assert.deepEqual(readdirSync(results).sort(), ALL);
    assert.equal(mode(results), 0o700);
    for (const name of ALL) assert.equal(mode(join(results, name)), 0o600, name);
    assert.match(text("report.html"), /Ready: 10 of 10 checks met/);
    assert.equal(childrenOf(rootOf(text("junit.xml")), "testsuite").length, 3);
    assert.equal(text("session.log"), "mir started\n");
    assert.equal(text("serial.log"), "login:\n");
    assert.deepEqual(readFileSync(join(results, "screen.png")), READY.pictures[0]?.png);
    const facts = JSON.parse(text("facts.json")) as Record<string, unknown>;
    assert.deepEqual(facts.facts, MEASURED.facts);
    assert.deepEqual(facts.versions, { Linux: "6.1.0", Mesa: "22.3.6" });
    assert.deepEqual(
      [facts.version, facts.stack, facts.guest, facts.ready],
      [1, "dev", "mir", true],
    );
  });

  it("reads the log by one script that runs as root in the guest", async () => {
    await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED));
    assert.match(
      readFileSync(join(programs.folder, "ssh.log"), "utf8"),
      / sudo -n env 'LC_ALL=C\.UTF-8' 'LANGUAGE=' bash -s -- 400\n$/,
    );
    assert.match(readFileSync(join(programs.folder, "script"), "utf8"), /^exec journalctl /m);
  });

  it("fails as the proof failed, with its verdicts and its other reasons in the report", async () => {
    const unmet = verdict("boot", "kernel", "unmet", "2.6", ">= 3.18");
    const reasons = [
      "kernel: found 2.6; need >= 3.18; fix: install it in the guest",
      "not in time: 300 s",
    ];
    const properties = { ...MEASURED, verdicts: [unmet] };
    await assert.rejects(leaveEvidence(folder, SUBJECT, failed({ properties, reasons })), {
      message: "mirlab-dev-mir is not ready",
      reasons,
    });
    assert.match(
      text("report.html"),
      /Not ready: 0 of 1 checks met[^]*<p class="fault">not in time: 300 s<\/p>/,
    );
    assert.match(text("junit.xml"), /<failure message="found 2\.6; need &gt;= 3\.18"/);
  });

  it("says why there is no log of a guest that does not answer, and removes an old picture", async () => {
    await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED));
    programs.set("ssh", "cat >/dev/null; echo 'Connection refused' >&2; exit 255");
    await assert.rejects(leaveEvidence(folder, SUBJECT, failed({})));
    assert.deepEqual(
      readdirSync(results).sort(),
      ALL.filter((name) => name !== "screen.png"),
    );
    assert.equal(text("session.log"), "Not available from the guest: Connection refused\n");
    assert.match(text("report.html"), /the guest did not answer[^]*login:/);
  });

  it("copies all files to the folder in MIRLAB_RESULTS", async () => {
    process.env.MIRLAB_RESULTS = join(home, "artefacts");
    await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED));
    const copy = join(home, "artefacts", "dev", "mir");
    assert.deepEqual(readdirSync(copy).sort(), ALL);
    assert.equal(readFileSync(join(copy, "report.html"), "utf8"), text("report.html"));
  });

  it("passes the outcome on when it cannot write, and prints one line", async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file where the folder should be");
    const lines = await printed(async () => {
      const none = { ...MEASURED, pictureTime: "" };
      assert.equal(await leaveEvidence(folder, SUBJECT, Promise.resolve(none)), none);
      await assert.rejects(failed({}).catch(failWithEvidence(folder, SUBJECT)), {
        message: "mirlab-dev-mir is not ready",
      });
    });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /^mirlab-dev-mir: could not write the report: E/);
  });

  it("does not follow a symlink in the place of a file", async () => {
    const victim = join(home, "victim");
    writeFileSync(victim, "mine");
    mkdirSync(results);
    for (const name of ["report.html.partial", "junit.xml"])
      symlinkSync(victim, join(results, name));
    await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED));
    assert.equal(readFileSync(victim, "utf8"), "mine");
    assert.match(text("report.html"), /^<!doctype html>/);
  });
});

describe("removeEvidence", () => {
  it("removes the report's files, and nothing else", async () => {
    await leaveEvidence(folder, SUBJECT, Promise.resolve(MEASURED));
    writeFileSync(join(results, "notes.txt"), "mine");
    await removeEvidence(folder);
    assert.deepEqual(readdirSync(results), ["notes.txt"]);
    rmSync(join(results, "notes.txt"));
    await removeEvidence(folder);
    assert.equal(existsSync(results), false);
    await removeEvidence(folder);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { briefText, doctorReport, exitCode, reportOf, reportText } from "../../../cli/doctorReport";
import { Finding } from "../../../components/host/checks/finding";

const finding = (change: Partial<Finding>): Finding => ({
  id: "disk",
  group: "machine",
  severity: "ok",
  found: "20 MiB",
  required: "10 MiB",
  fix: "rm x",
  ...change,
});

const FINDINGS = [
  finding({ id: "libvirt-socket", group: "libvirt", severity: "info", fix: "" }),
  finding({}),
  finding({ id: "memory", severity: "fail", path: "guests[].memoryMiB", found: "5 MiB" }),
  finding({ id: "kvm", group: "kvm", severity: "warn", found: "none" }),
];

describe("reportText", () => {
  it("is aligned, by group in a fixed order, with a fix below what is not ok, and a count", () => {
    assert.equal(
      reportText(FINDINGS, false),
      [
        "machine",
        "  ok    disk            20 MiB",
        "  FAIL  memory          guests[].memoryMiB: 5 MiB; need 10 MiB",
        "                        fix: rm x",
        "kvm",
        "  WARN  kvm             none; need 10 MiB",
        "                        fix: rm x",
        "libvirt",
        "  note  libvirt-socket  20 MiB",
        "doctor: 1 ok, 1 note, 1 warning, 1 failure",
      ].join("\n"),
    );
  });

  it("says the same in colours, where there are any", () => {
    const coloured = reportText(FINDINGS, true);
    assert.ok(coloured.includes("\u001b[31mFAIL\u001b[0m  memory"));
    // eslint-disable-next-line no-control-regex -- colours are what is taken out
    assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ""), reportText(FINDINGS, false));
  });
});

describe("briefText", () => {
  it("is a line for each failure and warning, and the count", () => {
    assert.equal(
      briefText(FINDINGS),
      [
        "doctor: FAIL guests[].memoryMiB: memory: found 5 MiB; need 10 MiB; fix: rm x",
        "doctor: WARN kvm: none",
        "doctor: 1 ok, 1 note, 1 warning, 1 failure; 'npm run doctor' shows the fixes",
      ].join("\n"),
    );
    assert.equal(briefText([finding({})]), "doctor: 1 ok, 0 notes, 0 warnings, 0 failures");
  });
});

describe("exitCode", () => {
  it("is 1 for failures, not for warnings", () => {
    assert.equal(exitCode(FINDINGS), 1);
    assert.equal(exitCode(FINDINGS.filter((f) => f.severity !== "fail")), 0);
    assert.equal(exitCode([]), 0);
  });
});

describe("reportOf", () => {
  it("is what the schema says, and counts", () => {
    const report = reportOf(FINDINGS, "dev", "this machine");
    assert.deepEqual(doctorReport.parse(JSON.parse(JSON.stringify(report))), report);
    assert.ok("counts" in report);
    assert.deepEqual(report.counts, { ok: 1, info: 1, warn: 1, fail: 1 });
  });

  it("is refused by the schema in another form", () => {
    const report = reportOf(FINDINGS, "dev", "this machine");
    for (const other of [{ ...report, version: 2 }, { ...report, more: 1 }, { version: 1 }, {}]) {
      assert.equal(doctorReport.safeParse(other).success, false);
    }
  });
});

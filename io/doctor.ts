/** `lab doctor`: what is right and wrong on this machine and the host. Changes nothing. */
import { Finding, checkHost, findingText } from "../lib/hostChecks";
import { hostAccess } from "./hostAccess";
import { hostFacts } from "./hostFacts";
import { runOnHost, Target } from "./link";
import { labOfFile } from "./stackFile";

/** KVM by its only proof: a guest that reached user space. Needs QEMU on the host. */
async function kvmFinding(host: Target, cacheDir: string): Promise<Finding> {
  const base = { id: "kvm", required: "a guest that boots to user space under KVM" };
  const probe = await runOnHost(host, "kvm-probe.sh", [cacheDir], { timeoutMs: 300_000 });
  if (probe.code !== 0) {
    const found = probe.stderr.trim().split("\n").at(-1) ?? "no answer";
    return { ...base, severity: "warn", found, fix: "'npm run up' installs QEMU; then ask again" };
  }
  const { acceleration, reason } = JSON.parse(probe.stdout.toString()) as Record<string, string>;
  const ok = acceleration === "kvm";
  return {
    ...base,
    severity: ok ? "ok" : "warn",
    found: reason ?? "",
    fix: "enable virtualization in the firmware and load kvm_intel or kvm_amd; until then guests run under TCG, many times slower",
  };
}

async function examine(file: string, stack: string): Promise<Finding[]> {
  const { lab, faults } = labOfFile(file);
  if (lab === undefined) {
    return faults.map(({ path, reason }) => ({
      id: "config",
      severity: "fail",
      path,
      found: path,
      required: "a valid key",
      fix: reason,
    }));
  }
  const { target } = hostAccess(lab.host, stack);
  const facts = await hostFacts(target, lab);
  return [...checkHost(facts, lab, stack), await kvmFinding(target, lab.host.cacheDir)];
}

const MARK = { ok: "ok  ", warn: "WARN", fail: "FAIL" } as const;

async function main(): Promise<void> {
  const [file = "Pulumi.dev.yaml", stack = "dev", ...options] = process.argv.slice(2);
  const findings = await examine(file, stack);
  if (options.includes("--json")) {
    console.log(JSON.stringify({ version: 1, findings }, null, 2));
  } else {
    for (const finding of findings)
      console.log(`${MARK[finding.severity]} ${findingText(finding)}`);
  }
  process.exitCode = findings.some((f) => f.severity === "fail") ? 1 : 0;
}

main().catch((error: unknown) => {
  console.error(`doctor: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
});

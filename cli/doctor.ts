/**
 * `lab doctor`: what is right and wrong on this machine and the host. Changes nothing but the cache
 * of KVM's proof.
 *   doctor.ts FILE STACK [--json | --brief]    exit code 0 none failed, 1 failures, 2 could not tell
 */
import { briefText, DoctorReport, exitCode, reportOf, reportText } from "./doctorReport";
import { checkHost } from "../components/host/checks";
import { Finding } from "../components/host/checks/finding";
import { kvmFinding, KvmProof } from "../components/host/checks/kvm";
import { ConfigFault } from "../config/lab";
import { hostAccess } from "../components/host/access.io";
import { hostFacts } from "../components/host/facts.io";
import { runOnHost } from "../core/link.io";
import { Target } from "../core/target";
import { labOfFile } from "../config/stackFile.io";
import { verbSettings } from "./verbSettings";

/** KVM by its only proof: a guest that reached user space. Needs QEMU on the host. */
async function kvmProof(host: Target, cacheDir: string): Promise<KvmProof> {
  const probe = await runOnHost(host, "kvm-probe.sh", [cacheDir], { timeoutMs: 300_000 });
  if (probe.code !== 0) {
    const reason = probe.stderr.trim().split("\n").at(-1) ?? "no answer";
    return { acceleration: undefined, reason };
  }
  return JSON.parse(probe.stdout.toString()) as KvmProof;
}

const configFinding = ({ path, reason }: ConfigFault): Finding => ({
  id: "config",
  group: "config",
  severity: "fail",
  path,
  found: path,
  required: "a valid key",
  fix: reason,
});

/** Asks and judges. Throws when the host cannot be asked. */
async function examine(file: string, stack: string): Promise<[Finding[], string]> {
  const { lab, faults } = labOfFile(file);
  const host = lab?.host.ssh?.host ?? "this machine";
  if (lab === undefined) return [faults.map(configFinding), host];
  const { target } = hostAccess(lab.host, stack);
  const [facts, proof] = await Promise.all([
    hostFacts(target, lab, "full"),
    kvmProof(target, lab.host.cacheDir),
  ]);
  const findings = checkHost(facts, lab, stack);
  const kvm = facts.full === undefined ? [] : [kvmFinding(proof, facts, facts.full, lab)];
  return [[...kvm, ...findings], host];
}

const colours = (): boolean => process.stdout.isTTY && (process.env.NO_COLOR ?? "") === "";

async function main(): Promise<void> {
  const [file = "Pulumi.dev.yaml", stack = "dev", ...options] = process.argv.slice(2);
  const [json, brief] = [options.includes("--json"), options.includes("--brief")];
  const print = (report: DoctorReport): void => console.log(JSON.stringify(report, null, 2));
  try {
    const [findings, host] = await examine(file, stack);
    if (json) print(reportOf(findings, stack, host));
    else if (brief) {
      console.error(briefText(findings));
      // bin/lab goes on with these: one start of Node.js less.
      console.log(verbSettings(file));
    } else console.log(reportText(findings, colours()));
    process.exitCode = exitCode(findings);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (json) print({ version: 1, error: reason });
    else console.error(`doctor: ${reason}`);
    process.exitCode = 2;
  }
}

void main();

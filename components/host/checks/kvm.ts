/** KVM: only a guest that reaches user space proves it; everything else is a hint. Pure. */
import { FullHostFacts, HostFacts } from "../facts";
import { Lab } from "../../../config/schema";
import { Finding, HostCheck } from "./finding";

/** The answer of scripts/host/kvm-probe.sh; undefined: it could not try, for `reason`. */
export interface KvmProof {
  readonly acceleration: "kvm" | "tcg" | undefined;
  readonly reason: string;
}

const DEVICE: Readonly<Record<FullHostFacts["kvmDevice"], string>> = {
  absent: "no /dev/kvm",
  denied: "/dev/kvm does not open for this user",
  opens: "/dev/kvm opens, but creates no VM",
  "makes-vm": "/dev/kvm opens and creates a VM",
};

/** `module kvm_pvm, neither vmx nor svm, /dev/kvm opens and creates a VM, libvirt offers kvm` */
function hintsText(full: FullHostFacts, { libvirt, emulators }: HostFacts): string {
  const modules = full.kvmModules.filter((name) => name !== "kvm");
  const flag = full.cpuFlags.find((name) => name !== "hypervisor");
  return [
    modules.length === 0 ? "no KVM module" : `module ${modules.join(", ")}`,
    flag ?? "neither vmx nor svm",
    DEVICE[full.kvmDevice],
    ...(libvirt === "ok" ? [`libvirt offers ${emulators.kvm === undefined ? "no " : ""}kvm`] : []),
  ].join(", ");
}

const isGuest = (full: FullHostFacts): boolean => full.cpuFlags.includes("hypervisor");
const hasFlag = (full: FullHostFacts): boolean =>
  full.cpuFlags.some((flag) => flag === "vmx" || flag === "svm");

/** The nearest step towards KVM that a person can take. */
function fixOf(full: FullHostFacts): string {
  const again = "then: npm run doctor -- --renew";
  const vendor = full.cpuFlags.includes("svm") ? "kvm_amd" : "kvm_intel";
  if (hasFlag(full) && !full.kvmModules.includes(vendor))
    return `sudo modprobe ${vendor}; ${again}`;
  if (hasFlag(full)) return `sudo modprobe -r ${vendor}; sudo modprobe ${vendor}; ${again}`;
  return isGuest(full)
    ? `allow nested guests on the host of this virtual machine (see nested), ${again}`
    : `enable virtualization in the firmware, ${again}`;
}

/** The finding on KVM: the probe's answer, with the hints. */
export function kvmFinding(
  proof: KvmProof,
  facts: HostFacts,
  full: FullHostFacts,
  lab: Lab,
): Finding {
  const base = {
    id: "kvm",
    group: "kvm",
    required: "a guest that boots to user space under KVM",
    fix: fixOf(full),
  } as const;
  const hints = hintsText(full, facts);
  if (proof.acceleration === "kvm") {
    return { ...base, severity: "ok", found: `${proof.reason} (${hints})` };
  }
  if (lab.guests.every((guest) => guest.acceleration === "tcg")) {
    const found = `not needed: every guest has acceleration tcg (${hints})`;
    return { ...base, severity: "ok", found };
  }
  const wanted = lab.guests.findIndex((guest) => guest.acceleration === "kvm");
  const key = wanted < 0 ? {} : { path: `guests[${wanted}].acceleration` };
  const severity = wanted < 0 ? ("warn" as const) : ("fail" as const);
  if (proof.acceleration === undefined) {
    const absent = full.devices === undefined;
    const found = absent
      ? `not tried: QEMU is not installed yet (${hints})`
      : `${proof.reason} (${hints})`;
    return absent
      ? { ...base, severity: "info", found }
      : {
          ...base,
          severity,
          ...key,
          found,
          fix: "correct what the probe names, then: npm run doctor",
        };
  }
  const runsNoGuest = full.kvmDevice === "makes-vm";
  return {
    ...base,
    ...key,
    severity,
    found: runsNoGuest
      ? `a /dev/kvm that runs no guest: ${hints}, but ${proof.reason.replace(/^.*, but /, "")}, so guests run under TCG, many times slower`
      : `${proof.reason} (${hints}), so guests run under TCG, many times slower`,
  };
}

/** How a host with that KVM module allows nested guests. */
const allowNested = (module: string): string =>
  `on that host: echo 'options ${module} nested=1' | sudo tee /etc/modprobe.d/kvm-nested.conf, ` +
  "and give this machine the CPU host-passthrough";

export const KVM_CHECKS: readonly HostCheck[] = [
  {
    id: "nested",
    group: "kvm",
    judge: ({ full }) => {
      if (full === undefined) return [];
      if (!isGuest(full)) {
        const found = "this host is not a virtual machine";
        return [{ severity: "ok", found, required: "nothing", fix: "" }];
      }
      const product = full.product === "" ? "" : ` (${full.product})`;
      const own = full.nested === "" ? "" : `; nested here: ${full.nested}`;
      const passed = hasFlag(full);
      return [
        {
          severity: "info",
          found: passed
            ? `this host is itself a virtual machine${product} with ${full.cpuFlags.filter((f) => f !== "hypervisor").join(" ")}${own}`
            : `this host is itself a virtual machine${product} without vmx or svm: its host does not allow nested guests`,
          required: "nothing: the check kvm decides",
          fix: passed ? "" : `${allowNested("kvm_intel")} (on AMD: kvm_amd)`,
        },
      ];
    },
  },
];

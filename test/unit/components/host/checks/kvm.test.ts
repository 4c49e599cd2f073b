import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kvmFinding, KvmProof } from "../../../../../components/host/checks/kvm";
import { FullHostFacts } from "../../../../../components/host/facts";
import { findingText } from "../../../../../components/host/checks/finding";
import { FULL, fully, HOST, lab, texts } from "./host";

const PROVEN: KvmProof = { acceleration: "kvm", reason: "a guest booted to user space" };
const FAILED: KvmProof = {
  acceleration: "tcg",
  reason: "/dev/kvm is there, but a guest did not reach user space in 20 s",
};
const NO_DEVICE: KvmProof = { acceleration: "tcg", reason: "no /dev/kvm" };
const NOT_TRIED: KvmProof = { acceleration: undefined, reason: "kvm-probe: found no kernel" };

/** A /dev/kvm that opens and creates a VM, but runs no stock kernel. */
const NO_GUEST: Partial<FullHostFacts> = {
  kvmModules: ["kvm", "kvm_pvm"],
  cpuFlags: ["hypervisor"],
};

function judged(proof: KvmProof, change: Partial<FullHostFacts> = {}, guest = {}): string {
  const finding = kvmFinding(proof, HOST, { ...FULL, ...change }, lab(guest));
  return `${finding.severity} ${findingText(finding)}`;
}

describe("kvmFinding", () => {
  const hints = "module kvm_intel, vmx, /dev/kvm opens and creates a VM, libvirt offers kvm";
  const again = "then: npm run doctor -- --renew";
  const slow = "so guests run under TCG, many times slower";
  const need = "need a guest that boots to user space under KVM";

  it("passes by the proof alone, and prints the hints", () => {
    assert.equal(judged(PROVEN), `ok kvm: a guest booted to user space (${hints})`);
    assert.match(judged(PROVEN, { kvmModules: [], cpuFlags: [], kvmDevice: "denied" }), /^ok kvm/);
  });

  it("reports a /dev/kvm that creates a VM but runs no guest", () => {
    const found = "module kvm_pvm, neither vmx nor svm, /dev/kvm opens and creates a VM";
    assert.equal(
      judged(FAILED, NO_GUEST),
      `warn kvm: found a /dev/kvm that runs no guest: ${found}, libvirt offers kvm, but a guest did not reach user space in 20 s, ${slow}; ${need}; fix: allow nested guests on the host of this virtual machine (see nested), ${again}`,
    );
  });

  const fixes: [string, KvmProof, Partial<FullHostFacts>, string][] = [
    [
      "the firmware, on real hardware without the flag",
      NO_DEVICE,
      { kvmModules: [], cpuFlags: [], kvmDevice: "absent" },
      `enable virtualization in the firmware, ${again}`,
    ],
    [
      "the module, if the processor has the flag",
      NO_DEVICE,
      { kvmModules: [], cpuFlags: ["svm"], kvmDevice: "absent" },
      `sudo modprobe kvm_amd; ${again}`,
    ],
    [
      "a reload of the module, if it is loaded but does not work",
      FAILED,
      { kvmDevice: "opens" },
      `sudo modprobe -r kvm_intel; sudo modprobe kvm_intel; ${again}`,
    ],
  ];
  for (const [what, proof, change, fix] of fixes) {
    it(`gives as fix ${what}`, () => assert.ok(judged(proof, change).endsWith(`; fix: ${fix}`)));
  }

  it("fails if a guest must have KVM, and passes if all guests have TCG", () => {
    const must = kvmFinding(FAILED, HOST, FULL, lab({}, { acceleration: "kvm" }));
    assert.deepEqual([must.severity, must.path], ["fail", "guests[1].acceleration"]);
    assert.match(judged(FAILED, {}, { acceleration: "tcg" }), /^ok kvm: not needed/);
  });

  it("reports a probe that could not run", () => {
    assert.match(judged(NOT_TRIED), /^warn kvm: found kvm-probe: found no kernel/);
    assert.match(judged(NOT_TRIED, { devices: undefined }), /^info kvm: not tried: QEMU is not/);
  });
});

describe("checkHost, of a host that is a guest itself", () => {
  it("notes it, with the parameter for the host above", () => {
    const [finding] = fully({
      cpuFlags: ["hypervisor"],
      product: "Standard PC",
      nested: "",
    }).filter(({ id }) => id === "nested");
    assert.equal(finding?.severity, "info");
    assert.match(finding.found, /^this host is itself a virtual machine \(Standard PC\) without/);
    assert.match(finding.fix, /options kvm_intel nested=1.*host-passthrough/);
  });

  it("gives no fix if the processor's flag is passed on", () => {
    assert.deepEqual(texts(fully({ cpuFlags: ["hypervisor", "svm"], nested: "kvm_amd 1" })), [
      "info - nested: this host is itself a virtual machine with svm; nested here: kvm_amd 1",
    ]);
  });
});

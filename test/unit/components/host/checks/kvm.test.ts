import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kvmFinding, KvmProof } from "../../../../../components/host/checks/kvm";
import { FullHostFacts } from "../../../../../components/host/facts";
import { findingText } from "../../../../../components/host/checks/finding";
import { FULL, fully, HOST, lab, told } from "./host";

const PROVEN: KvmProof = { acceleration: "kvm", reason: "a guest booted to user space" };
const FAILED: KvmProof = {
  acceleration: "tcg",
  reason: "/dev/kvm is there, but a guest did not reach user space in 20 s",
};
const NO_DEVICE: KvmProof = { acceleration: "tcg", reason: "no /dev/kvm" };
const NOT_TRIED: KvmProof = { acceleration: undefined, reason: "kvm-probe: found no kernel" };

/** Here: a stand-in for KVM that opens and makes a VM, and runs no stock kernel. */
const LIAR: Partial<FullHostFacts> = { kvmModules: ["kvm", "kvm_pvm"], cpuFlags: ["hypervisor"] };

function judged(proof: KvmProof, change: Partial<FullHostFacts> = {}, guest = {}): string {
  const finding = kvmFinding(proof, HOST, { ...FULL, ...change }, lab(guest));
  return `${finding.severity} ${findingText(finding)}`;
}

describe("kvmFinding", () => {
  const hints = "module kvm_intel, vmx, /dev/kvm opens and makes a VM, libvirt offers kvm";
  const again = "then: sudo rm -rf /var/cache/mirlab/kvm-probe; npm run doctor";
  const slow = "guests run under TCG, many times slower";
  const need = "need a guest that boots to user space under KVM";

  it("is content with the proof alone, and tells the hints beside it", () => {
    assert.equal(judged(PROVEN), `ok kvm: a guest booted to user space (${hints})`);
    assert.match(judged(PROVEN, { kvmModules: [], cpuFlags: [], kvmDevice: "denied" }), /^ok kvm/);
  });

  it("says that a device lies which makes a VM and runs no guest", () => {
    const liar = "module kvm_pvm, neither vmx nor svm, /dev/kvm opens and makes a VM";
    assert.equal(
      judged(FAILED, LIAR),
      `warn kvm: found a device that lies: ${liar}, libvirt offers kvm, yet a guest did not reach user space in 20 s; ${slow}, ${need}; let this virtual machine's own host allow nested guests (see nested), ${again}`,
    );
  });

  const fixes: [string, KvmProof, Partial<FullHostFacts>, string][] = [
    [
      "the firmware, where there is neither flag nor a host above",
      NO_DEVICE,
      { kvmModules: [], cpuFlags: [], kvmDevice: "absent" },
      `enable virtualization in the firmware, ${again}`,
    ],
    [
      "the module, where the processor can",
      NO_DEVICE,
      { kvmModules: [], cpuFlags: ["svm"], kvmDevice: "absent" },
      `sudo modprobe kvm_amd; ${again}`,
    ],
    [
      "the module again, where it is loaded and does not work",
      FAILED,
      { kvmDevice: "opens" },
      `sudo modprobe -r kvm_intel; sudo modprobe kvm_intel; ${again}`,
    ],
  ];
  for (const [what, proof, change, fix] of fixes) {
    it(`gives as fix ${what}`, () => assert.ok(judged(proof, change).endsWith(`; ${fix}`)));
  }

  it("fails where a guest must have KVM, and does not care where none wants it", () => {
    const must = kvmFinding(FAILED, HOST, FULL, lab({}, { acceleration: "kvm" }));
    assert.deepEqual([must.severity, must.path], ["fail", "guests[1].acceleration"]);
    assert.match(judged(FAILED, {}, { acceleration: "tcg" }), /^ok kvm: not needed/);
  });

  it("does not take a probe that could not be tried for an answer", () => {
    assert.match(judged(NOT_TRIED), /^warn kvm: found kvm-probe: found no kernel/);
    assert.match(judged(NOT_TRIED, { devices: undefined }), /^info kvm: not tried: QEMU is not/);
  });
});

describe("checkHost, of a host that is a guest itself", () => {
  it("tells of it, with the parameter of the host above", () => {
    const [finding] = fully({
      cpuFlags: ["hypervisor"],
      product: "Standard PC",
      nested: "",
    }).filter(({ id }) => id === "nested");
    assert.equal(finding?.severity, "info");
    assert.match(finding.found, /^this host is itself a virtual machine \(Standard PC\) without/);
    assert.match(finding.fix, /options kvm_intel nested=1.*host-passthrough/);
  });

  it("has nothing to mend where the processor's flag was passed on", () => {
    assert.deepEqual(told(fully({ cpuFlags: ["hypervisor", "svm"], nested: "kvm_amd 1" })), [
      "info - nested: this host is itself a virtual machine, and was given svm; here nested is kvm_amd 1",
    ]);
  });
});

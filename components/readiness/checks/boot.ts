/** Checks of the virtual machine and its kernel. */
import { meets, parseRequirement } from "../../../core/requirement";
import { byFacts, byProof, Check, unknownFact } from "./check";
import { met, metIf, skipped, unmet } from "../../../core/verdict";
import { badKernels } from "../../../config/known";

/** Whether a version meets a requirement; a malformed requirement is never met. */
export function atLeast(found: string, text: string): boolean {
  const wanted = parseRequirement(text);
  return wanted !== undefined && meets(found, wanted);
}

export const BOOT: readonly Check[] = [
  {
    id: "domain",
    description: "Does the virtual machine run?",
    page: 34,
    probe: "`virsh domstate --reason`",
    required: "running",
    remedy: "run 'virsh start DOMAIN'; the serial log says why the domain stopped",
    fatal: true,
    settles: false,
    judge: byProof("domain"),
  },
  {
    id: "serial",
    description: "Did the guest boot without a kernel panic or emergency mode?",
    page: 34,
    probe: "the serial log since the last power-on, while the guest does not answer",
    required: "no kernel panic and no emergency mode on the serial console",
    remedy:
      "boot another kernel from the boot menu, or repair what the serial log names, then run 'up'",
    fatal: true,
    settles: false,
    judge: byProof("serial"),
  },
  {
    id: "ssh",
    description: "Does the guest answer by SSH with its pinned host key?",
    page: null,
    probe: "a login by SSH with the pinned host key",
    required: "a login with the pinned host key",
    remedy: "check the guest's screen and its serial log",
    fatal: true,
    settles: true,
    judge: byProof("ssh"),
  },
  {
    id: "cloud-init",
    description: "Has the guest's first boot finished?",
    page: null,
    probe: "`/run/cloud-init/status.json` and `result.json`",
    required: "done, without errors",
    remedy: "read /var/log/cloud-init.log in the guest, correct the seed, and re-create the guest",
    fatal: true,
    settles: true,
    judge: byFacts((facts) => {
      const { cloudInit } = facts;
      if (cloudInit === null) return unknownFact(facts, "cloudInit");
      if (cloudInit.status === "absent") return skipped("the guest does not use cloud-init");
      if (cloudInit.errors.length > 0 || cloudInit.status === "error") {
        return unmet(cloudInit.errors[0] ?? "an error", { settles: false });
      }
      return metIf(cloudInit.status === "done", cloudInit.status);
    }),
  },
  {
    id: "kernel",
    description: "Is the running kernel new enough?",
    page: 44,
    probe: "`uname -r`",
    required: ({ gates }) => gates.kernel,
    remedy:
      "install a newer kernel by guests[].kernel (docs/builds.md), or lower guests[].gates.kernel",
    fatal: true,
    settles: false,
    judge: byFacts((facts, { gates }) =>
      facts.kernel === null
        ? unknownFact(facts, "kernel")
        : metIf(atLeast(facts.kernel, gates.kernel), facts.kernel),
    ),
  },
  {
    id: "kernel-newest",
    description: "Does the newest installed kernel run?",
    page: null,
    probe: "`uname -r` against `/boot/vmlinuz-*`",
    required: "the newest kernel in /boot",
    remedy:
      "reboot the guest; if the old kernel boots again, check the boot loader's default entry",
    fatal: false,
    settles: false,
    judge: byFacts((facts) => {
      const { kernel, newestKernel } = facts;
      if (kernel === null) return unknownFact(facts, "kernel");
      if (newestKernel === null) return skipped("no kernel in /boot to compare with");
      return metIf(
        kernel === newestKernel,
        kernel === newestKernel ? kernel : `${kernel} while ${newestKernel} is installed`,
      );
    }),
  },
  {
    id: "kernel-9p",
    description: "Can the kernel share folders with the host?",
    page: 53,
    probe: "`CONFIG_NET_9P_VIRTIO` in the running kernel's configuration",
    required: "CONFIG_NET_9P_VIRTIO=y or m",
    remedy:
      "boot a kernel with CONFIG_NET_9P_VIRTIO (on Debian linux-image-amd64, not linux-image-cloud-amd64), or set guests[].share.enabled to false",
    fatal: true,
    settles: false,
    judge: byFacts((facts, { share }) => {
      if (share === undefined) return skipped("the guest has no share");
      const value = facts.kernelConfig?.NET_9P_VIRTIO;
      if (value !== undefined) return metIf(/^[ym]$/.test(value), value);
      // A self-built kernel may have no configuration file; a 9p mount proves support.
      return (facts.mounts ?? []).length > 0
        ? met("no configuration file, but a 9p mount")
        : unmet("no configuration file, and no 9p mount");
    }),
  },
  {
    id: "cpu",
    description: "Does an emulated CPU spare Mesa the instructions that QEMU emulates wrongly?",
    page: null,
    probe: "the flags in `/proc/cpuinfo`",
    required: "no AVX where the CPU is emulated",
    remedy:
      "with 'virsh edit', remove the domain's <cpu>, or give it a model without AVX, e.g. Nehalem; then power the domain off and on",
    fatal: false,
    settles: false,
    judge: byFacts(({ avx }, { acceleration }) => {
      if (acceleration !== "tcg") return skipped("the CPU is not emulated");
      if (avx === null) return skipped("the guest does not list its CPU's flags");
      return avx ? unmet("AVX, with which llvmpipe crashes") : met("no AVX");
    }),
  },
  {
    id: "known-bad",
    description: "Is the running kernel free of known faults that affect this guest?",
    page: null,
    probe: "`uname -r` against the table in config/known.ts",
    required: "a kernel without a known fault",
    remedy: "boot another kernel",
    fatal: false,
    settles: false,
    judge: byFacts((facts, { share }) => {
      if (facts.kernel === null) return unknownFact(facts, "kernel");
      const [bad] = badKernels(facts.kernel, share !== undefined);
      return bad === undefined
        ? met(facts.kernel)
        : unmet(`${facts.kernel}: ${bad.what} (${bad.source})`, { remedy: bad.remedy });
    }),
  },
];

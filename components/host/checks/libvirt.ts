/** libvirt, and what it reports about QEMU. Pure. */
import { missingPackages } from "./machine";
import { DomainCapabilities, readDomainCapabilities } from "../domainCapabilities";
import { HostFacts } from "../facts";
import { HostCheck, Judged } from "./finding";
import { Lab } from "../../../config/schema";

const group = "libvirt" as const;

/** What the emulator supports; undefined: not known. */
function capabilities(facts: HostFacts): DomainCapabilities | undefined {
  const xml = facts.emulators.qemu;
  return xml === undefined ? undefined : readDomainCapabilities(xml);
}

/**
 * SPICE and QXL are modules of QEMU: in Debian 12 a part of qemu-system-common, later (and in Ubuntu
 * 24.04) a package of their own.
 */
function spiceFix(facts: HostFacts): string {
  return facts.suite === "bookworm"
    ? "sudo apt-get install --reinstall qemu-system-common"
    : "sudo apt-get install qemu-system-modules-spice";
}

/** A check of one list in the capabilities; no finding while libvirt does not report them. */
function able(
  id: string,
  list: (can: DomainCapabilities) => readonly string[],
  needed: string | ((lab: Lab) => readonly string[]),
  fix: (facts: HostFacts, missing: readonly string[]) => string,
): HostCheck {
  return {
    id,
    group,
    judge: (facts, lab) => {
      const can = capabilities(facts);
      if (can === undefined) return [];
      const has = list(can);
      const values = typeof needed === "string" ? [needed] : needed(lab);
      const lacking = values.filter((value) => !has.includes(value));
      const all = lacking.length === 0;
      const found = (all ? values : has).join(" ") || "nothing";
      // Somebody may have removed a package that has a part of QEMU.
      const missing = missingPackages(facts, lab.host).filter((name) => name.startsWith("qemu-"));
      const upInstalls = !all && lab.host.packages === "install" && missing.length > 0;
      return [
        {
          severity: all ? "ok" : upInstalls ? "info" : "fail",
          found: `${found}${upInstalls ? `; 'npm run up' installs ${missing.join(" ")}` : ""}`,
          ...(upInstalls ? { upRepairs: true as const } : {}),
          required: `${values.join(" and ")} in ${can.emulator} for ${can.machine}`,
          fix: fix(facts, lacking),
        },
      ];
    },
  };
}

const videoModels = ({ guests }: Lab): string[] => [
  ...new Set(guests.map((guest) => guest.video.model)),
];

const reinstall = (): string => "sudo apt-get install --reinstall qemu-system-x86";

/** The other models are parts of packages that QEMU cannot be installed without. */
const videoFix = (facts: HostFacts, missing: readonly string[]): string =>
  missing.includes("qxl") ? spiceFix(facts) : `${reinstall()} qemu-system-common`;

/** Who may use libvirt's socket, by its mode and the daemon's authentication. */
function socketJudged(mode: string, auth: string): Judged {
  const open = /[2367]$/.test(mode);
  const key = {
    required: "polkit or a mode that excludes other users, as the socket gives root's rights",
    fix: "sudo sed -i 's/^ *auth_unix_rw.*/auth_unix_rw = \"polkit\"/' /etc/libvirt/libvirtd.conf; sudo systemctl restart libvirtd",
  };
  if (open && auth === "none") {
    const found = `mode ${mode} and auth_unix_rw none, which make every user of this host root`;
    return { ...key, severity: "fail", found };
  }
  const unread = open && auth === "unknown";
  const guard = auth === "default" ? "polkit, Debian's default" : auth;
  return {
    ...key,
    severity: unread ? "info" : "ok",
    found: !open
      ? `mode ${mode}: not open to all`
      : unread
        ? `mode ${mode}, /etc/libvirt/libvirtd.conf is not readable`
        : `mode ${mode}, guarded by ${guard}`,
  };
}

export const LIBVIRT_CHECKS: readonly HostCheck[] = [
  {
    id: "libvirt",
    group,
    judge: (facts) => {
      const admits = facts.rights !== "none" && facts.user !== "root";
      const found = {
        ok: `libvirt ${facts.libvirtVersion}, QEMU ${facts.qemuVersion}`,
        absent: "not installed yet; 'npm run up' installs it",
        down: "installed, not running; 'npm run up' starts it",
        denied: admits
          ? `access denied; 'npm run up' adds ${facts.user} to the group libvirt`
          : "access denied",
        silent: "no answer in 60 s",
      }[facts.libvirt];
      const severity = (
        {
          ok: "ok",
          denied: admits ? "info" : "fail",
          absent: "info",
          down: "info",
          silent: "warn",
        } as const
      )[facts.libvirt];
      return [
        {
          severity,
          found,
          ...(severity === "info" ? { upRepairs: true as const } : {}),
          required: "an answer from qemu:///system",
          fix:
            facts.libvirt === "silent"
              ? "wait until libvirt is less busy, or see why: virsh --connect qemu:///system list"
              : "sudo adduser $USER libvirt; where that does not do, log in again",
        },
      ];
    },
  },
  {
    id: "libvirt-socket",
    group,
    judge: ({ full }) =>
      full?.socket === undefined ? [] : [socketJudged(full.socket.mode, full.socket.auth)],
  },
  {
    id: "emulator",
    group,
    judge: (facts) => {
      const can = capabilities(facts);
      const key = {
        required: "an emulator for the machine q35",
        fix: "sudo apt-get install --reinstall qemu-system-x86",
      };
      if (can !== undefined) {
        return [{ ...key, severity: "ok", found: `${can.emulator}, machine ${can.machine}` }];
      }
      // A preview does not know whether QEMU is installed; if it is not, `up` installs it.
      if (facts.libvirt !== "ok" || facts.full === undefined) return [];
      if (facts.full.devices === undefined) {
        return [{ ...key, severity: "info", found: "QEMU is not installed yet", fix: "" }];
      }
      const found = "no answer to 'virsh domcapabilities --machine q35 --virttype qemu'";
      return [{ ...key, severity: "fail", found }];
    },
  },
  able("emulator-spice", (can) => can.graphics, "spice", spiceFix),
  able("emulator-video", (can) => can.video, videoModels, videoFix),
  able("emulator-channel", (can) => can.channels, "spicevmc", spiceFix),
  able("emulator-rng", (can) => can.rng, "virtio", reinstall),
  {
    id: "emulator-share",
    group,
    judge: (facts, lab) => {
      if (facts.full?.devices === undefined) return [];
      const { devices } = facts.full;
      const needed = lab.guests.findIndex((guest) => guest.share.enabled);
      const has = devices.includes("virtio-9p-pci");
      return [
        {
          severity: has ? "ok" : needed < 0 ? "info" : "fail",
          ...(has || needed < 0 ? {} : { path: `guests[${needed}].share.enabled` }),
          found: `${has ? "9p (virtio-9p-pci)" : "no 9p device (virtio-9p-pci)"}, ${virtiofsText(facts)}`,
          required: "virtio-9p-pci in 'qemu-system-x86_64 -device help'",
          fix: "sudo apt-get install --reinstall qemu-system-x86, or set share.enabled: false",
        },
      ];
    },
  },
];

/** virtiofs is reported, not required: the lab shares by 9p. */
function virtiofsText({ full }: HostFacts): string {
  if (full?.devices?.includes("vhost-user-fs-pci") !== true) return "virtiofs: no device in QEMU";
  return full.virtiofsd === "" ? "virtiofs: no virtiofsd" : `virtiofs: ${full.virtiofsd}`;
}

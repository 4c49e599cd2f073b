/** The machine itself: system, rights, memory, disk space, packages. Pure. */
import { HostFacts } from "../facts";
import { HostConfig, Lab } from "../../../config/schema";
import { hostPackages } from "../packages";
import { domainName, HostCheck } from "./finding";

/** Free space that a new guest needs, MiB: for an image build, and for its disk to grow. */
const CACHE_NEED_MIB = 6000;
const DATA_NEED_MIB = 4000;
/** Memory for the host itself, MiB. */
const HOST_MEMORY_MIB = 512;

/** Guests whose domain does not run yet: only those will take more memory and disk. */
function coming(facts: HostFacts, lab: Lab, stack: string): Lab["guests"] {
  return lab.guests.filter((guest) => !facts.running.includes(domainName(guest, stack)));
}

/** Whether each guest has its domain, and libvirt answers this user: that needs no root's rights. */
const isThere = (facts: HostFacts, lab: Lab, stack: string): boolean =>
  facts.libvirt === "ok" &&
  lab.guests.every((guest) => facts.defined.includes(domainName(guest, stack)));

/** Debian packages that the lab host needs. */
export const labPackages = ({ viewers }: HostConfig, codeName: string): string[] =>
  hostPackages(codeName, viewers).map(({ name }) => name);

/** Packages that the host lacks; none for a preview, whose quick look reads no packages. */
export function missingPackages({ full, suite }: HostFacts, host: HostConfig): string[] {
  const has = new Map((full?.packages ?? []).map(({ name, version }) => [name, version]));
  return labPackages(host, suite).filter((name) => has.has(name) && has.get(name) === undefined);
}

const group = "machine" as const;

export const MACHINE_CHECKS: readonly HostCheck[] = [
  {
    id: "host-os",
    group,
    judge: (facts) => {
      const debian = /\b(debian|ubuntu)\b/.test(facts.os);
      return [
        {
          severity: debian ? "ok" : "fail",
          found: facts.os.trim(),
          required: "Debian or a derivative",
          fix: "use a Debian or Ubuntu host: packages are installed by apt",
        },
      ];
    },
  },
  {
    id: "host-arch",
    group,
    judge: (facts) => [
      {
        severity: facts.arch === "x86_64" ? "ok" : "fail",
        found: facts.arch,
        required: "x86_64",
        fix: "use an x86_64 host: QXL and q35 exist only there",
      },
    ],
  },
  {
    id: "host-rights",
    group,
    judge: (facts, lab, stack) => [
      {
        severity: facts.rights === "none" && !isThere(facts, lab, stack) ? "fail" : "ok",
        found: `user ${facts.user}, rights: ${facts.rights}`,
        required: "root's rights for packages, libvirt and folders of a new lab",
        fix: "run 'lab up' at a terminal, where sudo asks for the password once; run it as root; or let sudo ask this user for no password",
      },
    ],
  },
  {
    id: "memory",
    group,
    judge: (facts, lab, stack) => {
      const need = coming(facts, lab, stack).reduce((sum, g) => sum + g.memoryMiB, 0);
      const have = facts.memoryAvailableMiB - HOST_MEMORY_MIB;
      return [
        {
          severity: need <= have ? "ok" : lab.host.memory === "overcommit" ? "warn" : "fail",
          path: "guests[].memoryMiB",
          found: `${facts.memoryAvailableMiB} MiB available`,
          required: `${need} MiB for guests and ${HOST_MEMORY_MIB} MiB for the host`,
          fix: "lower guests[].memoryMiB, end other programs, or set host.memory to overcommit",
        },
      ];
    },
  },
  {
    id: "disk",
    group,
    judge: (facts, lab, stack) => {
      const guests = coming(facts, lab, stack).filter((g) => g.image.source !== "existing").length;
      const places = [
        ["host.cacheDir", lab.host.cacheDir, facts.cacheFreeMiB, guests > 0 ? CACHE_NEED_MIB : 0],
        ["host.dataDir", lab.host.dataDir, facts.dataFreeMiB, guests * DATA_NEED_MIB],
      ] as const;
      return places.map(([path, folder, free, need]) => ({
        severity: free >= need ? ("ok" as const) : ("fail" as const),
        path,
        found: `${free} MiB free at ${folder}`,
        required: `${need} MiB`,
        fix: `make room, or set ${path} to a folder on a larger disk`,
      }));
    },
  },
  {
    id: "packages",
    group,
    judge: (facts, lab) => {
      if (facts.full === undefined) return [];
      const missing = missingPackages(facts, lab.host);
      if (missing.length === 0) {
        const found = `${labPackages(lab.host, facts.suite).length} Debian packages, all installed`;
        return [{ severity: "ok", found, required: "the lab's packages", fix: "" }];
      }
      const ours = lab.host.packages === "install";
      return [
        {
          severity: ours ? "info" : "fail",
          ...(ours ? { upRepairs: true as const } : {}),
          path: "host.packages",
          found: `not installed: ${missing.join(" ")}${ours ? "; 'npm run up' installs them" : ""}`,
          required: "all packages of the lab, as host.packages is 'check'",
          fix: `sudo apt-get install ${missing.join(" ")}`,
        },
      ];
    },
  },
  {
    id: "init",
    group,
    judge: ({ full }) => {
      if (full === undefined) return [];
      const absent = [...(full.systemd ? [] : ["systemd"]), ...(full.udev ? [] : ["udev"])];
      return [
        {
          severity: absent.length === 0 ? "ok" : "info",
          found:
            absent.length === 0
              ? "systemd and udev run"
              : `no ${absent.join(" and no ")}: the lab starts libvirt and gives /dev/kvm its group itself`,
          required: "nothing: the lab works without them",
          fix: "",
        },
      ];
    },
  },
];

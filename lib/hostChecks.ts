/** What a host must be before a lab is made on it: checks as data. Pure. */
import { HostFacts } from "./hostFacts";
import { Lab } from "./labSchema";
import { sharePathFault } from "./sharePath";

/** `fail`: nothing may be touched. `warn`: it works, but not as one might think. */
export interface Finding {
  readonly id: string;
  readonly severity: "ok" | "warn" | "fail";
  /** Configuration key to blame, when there is one. */
  readonly path?: string;
  readonly found: string;
  readonly required: string;
  readonly fix: string;
}

/** Free space that making one guest takes, MiB: an image build, and room for its disk to grow. */
const CACHE_NEED_MIB = 6000;
const DATA_NEED_MIB = 4000;
/** What the host itself keeps, MiB. */
const HOST_MEMORY_MIB = 512;

interface HostCheck {
  readonly id: string;
  readonly judge: (facts: HostFacts, lab: Lab, stack: string) => Omit<Finding, "id">[];
}

/** Guests whose domain does not run yet: only those will take memory and disk. */
function coming(facts: HostFacts, lab: Lab, stack: string): Lab["guests"] {
  return lab.guests.filter((g) => {
    const domain = g.image.source === "existing" ? g.image.domain : `mirlab-${stack}-${g.name}`;
    return !facts.running.includes(domain);
  });
}

const HOST_CHECKS: readonly HostCheck[] = [
  {
    id: "host-os",
    judge: (facts) => {
      const debian = /\b(debian|ubuntu)\b/.test(facts.os);
      return [
        {
          severity: debian ? "ok" : "fail",
          found: facts.os.trim(),
          required: "Debian or a distribution like it",
          fix: "use a Debian 12 host: packages are installed by apt",
        },
      ];
    },
  },
  {
    id: "host-arch",
    judge: (facts) => [
      {
        severity: facts.arch === "x86_64" ? "ok" : "fail",
        found: facts.arch,
        required: "x86_64",
        fix: "use an x86_64 host: QXL and q35 are for that machine",
      },
    ],
  },
  {
    id: "host-rights",
    judge: (facts) => [
      {
        severity: facts.rights === "none" ? "fail" : "ok",
        found: `user ${facts.user}, ${facts.rights}`,
        required: "root, or sudo without a password",
        fix: "run 'sudo -v' first, or run as root",
      },
    ],
  },
  {
    id: "libvirt",
    judge: (facts) => [
      {
        severity: facts.libvirt === "denied" ? "fail" : "ok",
        found:
          facts.libvirt === "absent"
            ? "not installed yet"
            : facts.libvirt === "down"
              ? "installed, not running"
              : facts.libvirt,
        required: "a connection to qemu:///system, or leave to set it up",
        fix: "join its group with 'sudo adduser $USER libvirt' and log in again",
      },
    ],
  },
  {
    id: "memory",
    judge: (facts, lab, stack) => {
      const need = coming(facts, lab, stack).reduce((sum, g) => sum + g.memoryMiB, 0);
      const have = facts.memoryAvailableMiB - HOST_MEMORY_MIB;
      return [
        {
          severity: need <= have ? "ok" : "fail",
          path: "guests[].memoryMiB",
          found: `${facts.memoryAvailableMiB} MiB available`,
          required: `${need} MiB for guests and ${HOST_MEMORY_MIB} MiB for the host`,
          fix: "lower guests[].memoryMiB, or end other programs",
        },
      ];
    },
  },
  {
    id: "disk",
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
    id: "share",
    judge: (facts, lab) =>
      lab.guests.flatMap((guest, i) => {
        const path = guest.share.enabled ? guest.share.path : undefined;
        if (path === undefined) return [];
        const fact = facts.shares.find((s) => s.path === path);
        const key = { path: `guests[${i}].share.path`, required: "a folder that QEMU can use" };
        if (fact?.kind !== "folder") {
          const fix = `make it with 'mkdir ${path}', or drop the key and let the lab make one`;
          return [
            {
              ...key,
              severity: "fail" as const,
              found: `${path} is not a folder on the host`,
              fix,
            },
          ];
        }
        const fault = sharePathFault(fact.resolved);
        if (fault !== undefined) {
          return [
            { ...key, severity: "fail" as const, found: `${path} is ${fact.resolved}`, fix: fault },
          ];
        }
        const writable = guest.share.readonly || fact.writable !== "no";
        return [
          {
            ...key,
            severity: writable ? ("ok" as const) : ("fail" as const),
            found: writable ? path : `${path} is not writable by libvirt-qemu`,
            fix: `setfacl -m u:libvirt-qemu:rwx ${path}, or set share.readonly`,
          },
        ];
      }),
  },
  {
    id: "image",
    judge: (facts, lab) =>
      lab.guests.flatMap((guest, i) => {
        if (guest.image.source !== "url") return [];
        const { url } = guest.image;
        const state = facts.images.find((image) => image.url === url)?.state ?? "not asked";
        return [
          {
            severity: state === "ok" ? ("ok" as const) : ("fail" as const),
            path: `guests[${i}].image.url`,
            found: state === "ok" ? url : `no answer from ${url} (${state})`,
            required: "an image that the host can download",
            fix: "check the URL and the host's network",
          },
        ];
      }),
  },
];

/** All findings, in order. */
export function checkHost(facts: HostFacts, lab: Lab, stack: string): Finding[] {
  return HOST_CHECKS.flatMap(({ id, judge }) =>
    judge(facts, lab, stack).map((finding) => ({ id, ...finding })),
  );
}

/** `memory: found 900 MiB available, need 2048 MiB ...; lower guests[].memoryMiB ...` */
export function findingText(f: Finding): string {
  return f.severity === "ok"
    ? `${f.id}: ${f.found}`
    : `${f.id}: found ${f.found}, need ${f.required}; ${f.fix}`;
}

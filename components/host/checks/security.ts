/** Isolation of guests from the host: known vulnerabilities, AppArmor. Pure. */
import { ADVISORIES, ADVISORIES_DATE, Advisory, Concern } from "../advisories";
import { compareDebianVersions, upstreamOf } from "../../../core/debianVersion";
import { FullHostFacts, PackageFact } from "../facts";
import { Lab } from "../../../config/schema";
import { HostCheck, Judged } from "./finding";

const group = "security" as const;

const CONCERNS: Readonly<Record<Concern, (guest: Lab["guests"][number]) => boolean>> = {
  "every-lab": () => true,
  qxl: ({ video }) => video.model === "qxl",
  "writable-share": ({ share }) => share.enabled && !share.readonly,
  "user-network": ({ network }) => network.mode === "user",
};

/** Why an installed package is not vulnerable; undefined: it is not known to be fixed. */
export function fixedBy(
  advisory: Advisory,
  { version = "", named }: PackageFact,
  suite: string,
): string | undefined {
  const inSuite = advisory.fixedIn?.[suite];
  if (inSuite !== undefined && compareDebianVersions(version, inSuite) >= 0) {
    return `fixed in ${inSuite}`;
  }
  const upstream = advisory.fixedUpstream;
  if (upstream !== undefined && compareDebianVersions(upstreamOf(version), upstream) >= 0) {
    return `fixed in ${upstream}`;
  }
  return named?.includes(advisory.id) === true ? "named in its changelog" : undefined;
}

/** `fixed in 4.9.2, the package's changelog does not name it` */
function knownText(advisory: Advisory, named: PackageFact["named"], suite: string): string {
  const fixed = advisory.fixedIn?.[suite] ?? advisory.fixedUpstream;
  return [
    fixed === undefined ? "no fixed version is known" : `fixed in ${fixed}`,
    named === undefined
      ? "the package's changelog is not on this host"
      : "the package's changelog does not name it",
    ...(advisory.status === "unverified" ? ["not verified for this version"] : []),
  ].join(", ");
}

function advisoriesJudged({ packages }: FullHostFacts, lab: Lab, suite: string): Judged[] {
  const installed = ADVISORIES.flatMap((advisory) => {
    const fact = packages.find((p) => p.name === advisory.package && p.version !== undefined);
    return fact === undefined ? [] : [{ advisory, fact }];
  });
  if (installed.length === 0) return [];
  const required = "a fixed version, or guests that cannot exploit it";
  const open = installed.filter(
    ({ advisory, fact }) => fixedBy(advisory, fact, suite) === undefined,
  );
  const notes = open.map(({ advisory, fact }): Judged => {
    const { id, meaning, concern, severity, fix } = advisory;
    const concerned = lab.guests.some(CONCERNS[concern]);
    const who = concerned
      ? meaning
      : `${meaning}, but no guest of this lab is affected (${concern})`;
    return {
      // An unverified advisory never warns.
      severity: concerned && advisory.status === "verified" ? "warn" : "info",
      found: `${id} (${severity}) in ${fact.name} ${fact.version ?? ""}: ${who} (${knownText(advisory, fact.named, suite)})`,
      required,
      fix,
    };
  });
  const fixed = installed.length - open.length;
  const found = `${fixed} of ${installed.length} known CVEs are fixed here (list of ${ADVISORIES_DATE})`;
  return [{ severity: "ok", found, required, fix: "" }, ...notes];
}

export const SECURITY_CHECKS: readonly HostCheck[] = [
  {
    id: "apparmor",
    group,
    judge: ({ full, libvirt }) => {
      if (full === undefined || libvirt !== "ok") return [];
      const used = full.secmodels.includes("apparmor");
      return [
        {
          severity: used ? "ok" : "warn",
          found: used
            ? "libvirt confines QEMU by AppArmor; its rules cover the lab's disks, which are files (not volumes)"
            : full.apparmor
              ? "a kernel with AppArmor that libvirt does not use: a guest that escapes from QEMU has all rights of libvirt-qemu"
              : "a kernel without AppArmor: a guest that escapes from QEMU has all rights of libvirt-qemu",
          required: "QEMU confined by AppArmor, for guests that are not trusted",
          fix: full.apparmor
            ? "sudo apt-get install apparmor; sudo systemctl restart apparmor libvirtd"
            : "boot a kernel with AppArmor: sudo apt-get install apparmor linux-image-amd64; sudo reboot",
        },
      ];
    },
  },
  {
    id: "advisory",
    group,
    judge: ({ full, suite }, lab) => (full === undefined ? [] : advisoriesJudged(full, lab, suite)),
  },
];

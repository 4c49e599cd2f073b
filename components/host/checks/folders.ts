/** Folders and files that QEMU's user has to get at. Pure. */
import { HostFacts } from "../facts";
import { Lab } from "../../../config/schema";
import { sharePathFault } from "../../../config/sharePath";
import { HostCheck, Judged } from "./finding";

const group = "folders" as const;
const USER = "libvirt-qemu";

const passes = (closed: string): boolean => closed === "-" || closed === "unknown";

/** One finding of a configured share. */
function shareJudged(facts: HostFacts, path: string, readonly: boolean, key: string): Judged {
  const base = { path: key, required: "a folder that QEMU can use" };
  const fact = facts.shares.find((s) => s.path === path);
  if (fact?.kind !== "folder") {
    const found = `${path} is not a folder on the host`;
    const fix = `make it with 'mkdir ${path}', or drop the key and let the lab make one`;
    return { ...base, severity: "fail", found, fix };
  }
  const fault = sharePathFault(fact.resolved);
  if (fault !== undefined) {
    return { ...base, severity: "fail", found: `${path} is ${fact.resolved}`, fix: fault };
  }
  if (!passes(fact.closed)) {
    const found = `${path} is behind ${fact.closed}, which ${USER} cannot pass`;
    return { ...base, severity: "fail", found, fix: `setfacl -m u:${USER}:x ${fact.closed}` };
  }
  const writable = readonly || fact.writable !== "no";
  return {
    ...base,
    severity: writable ? "ok" : "fail",
    found: writable ? path : `${path} is not writable by ${USER}`,
    fix: `setfacl -m u:${USER}:rwx ${path}, or set share.readonly`,
  };
}

const places = (facts: HostFacts, lab: Lab) =>
  [
    ["host.dataDir", lab.host.dataDir, facts.dataClosed],
    ["host.cacheDir", lab.host.cacheDir, facts.cacheClosed],
  ] as const;

export const FOLDER_CHECKS: readonly HostCheck[] = [
  {
    id: "reach",
    group,
    judge: (facts, lab) =>
      places(facts, lab).map(([path, folder, closed]) => ({
        severity: passes(closed) ? ("ok" as const) : ("fail" as const),
        path,
        found: passes(closed)
          ? `${folder}${closed === "unknown" ? ` (no user ${USER} yet, or no right to ask as it)` : ""}`
          : `${folder} is behind ${closed}, which ${USER} cannot pass`,
        required: `a way for QEMU's user ${USER} to disks and images`,
        fix: `sudo setfacl -m u:${USER}:x ${closed}, or set ${path} to another folder`,
      })),
  },
  {
    id: "share",
    group,
    judge: (facts, lab) =>
      lab.guests.flatMap(({ share }, i) =>
        share.enabled && share.path !== undefined
          ? [shareJudged(facts, share.path, share.readonly, `guests[${i}].share.path`)]
          : [],
      ),
  },
  {
    id: "image",
    group,
    judge: (facts, lab) =>
      lab.guests.flatMap(({ image }, i) => {
        if (image.source !== "url") return [];
        const state = facts.images.find(({ url }) => url === image.url)?.state ?? "not asked";
        return [
          {
            severity: state === "ok" ? ("ok" as const) : ("fail" as const),
            path: `guests[${i}].image.url`,
            found: state === "ok" ? image.url : `no answer from ${image.url} (${state})`,
            required: "an image that the host can download",
            fix: "check the URL and the host's network",
          },
        ];
      }),
  },
];

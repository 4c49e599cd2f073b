/** Folders and files that QEMU's user has to reach. Pure. */
import { HostFacts } from "../facts";
import { Lab } from "../../../config/schema";
import { shellWord } from "../../../core/quote";
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
    const found = `${path}, which is not a folder on the host`;
    const fix = `mkdir ${shellWord(path)}, or drop the key to let the lab create a folder`;
    return { ...base, severity: "fail", found, fix };
  }
  const fault = sharePathFault(fact.resolved);
  if (fault !== undefined) {
    const [reason = "", fix = ""] = fault.split("; ");
    return { ...base, severity: "fail", found: `${path}, a link: ${reason}`, fix };
  }
  if (!passes(fact.closed)) {
    const found = `${path} behind ${fact.closed}, which ${USER} cannot pass`;
    return { ...base, severity: "fail", found, fix: `setfacl -m u:${USER}:x ${fact.closed}` };
  }
  const writable = readonly || fact.writable !== "no";
  return {
    ...base,
    severity: writable ? "ok" : "fail",
    found: writable ? path : `${path}, which ${USER} cannot write`,
    fix: `setfacl -m u:${USER}:rwx ${shellWord(path)}, or set share.readonly`,
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
          ? `${folder}${closed === "unknown" ? ` (not checked: no user ${USER} yet, or no right to run as it)` : ""}`
          : `${folder} behind ${closed}, which ${USER} cannot pass`,
        required: `a path to disks and images that QEMU's user ${USER} can pass`,
        fix: `sudo setfacl -m u:${USER}:x ${shellWord(closed)}, or set ${path} to another folder`,
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
        if (!("url" in image) || image.url === undefined) return [];
        const state = facts.images.find(({ url }) => url === image.url)?.state ?? "not checked";
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

/** A domain's drift, and the cost of its repair. Pure. */
import { Facts, withoutDomainIds } from "./facts";

/**
 * The cost of a repair. `none`: changes only the persistent definition. `live`: changes the running
 * domain. `start`: starts it. `power cycle`: shuts it down cleanly and starts it. `refused`: `up` does
 * not repair it, as the guest's data would be lost.
 */
export type Cost = "none" | "live" | "start" | "power cycle" | "refused";

/** One difference; values as libvirt spells them, or `absent`. */
export interface DriftItem {
  /** Path in the definition, a whole device such as `disk[vdb]`, or `state`. */
  readonly field: string;
  /** The declared value or, if the lab declares none, the value after the last `up`. */
  readonly declared: string;
  readonly persistent: string;
  /** Of the running domain; empty when none runs. */
  readonly live: string;
  readonly cost: Cost;
}

const ABSENT = "absent";

/** `disk[vda]` for `disk[vda]/source.file`; empty for a path outside devices. */
export const deviceOf = (path: string): string =>
  /^(?:channel|console|controller|disk|filesystem|graphics|hostdev|input|interface|memballoon|redirdev|rng|serial|sound|audio|tpm|video|vsock|watchdog)(?:\[[^\]]*\])*/.exec(
    path,
  )?.[0] ?? "";

interface Change {
  readonly was: string;
  readonly now: string;
}

/** Paths that differ; a removed or added device is one path. */
function changes(was: Facts, now: Facts): Map<string, Change> {
  const found = new Map<string, Change>();
  const devices = (facts: Facts): Set<string> => new Set(Object.keys(facts).map(deviceOf));
  const [oldDevices, newDevices] = [devices(was), devices(now)];
  for (const path of new Set([...Object.keys(was), ...Object.keys(now)])) {
    if (was[path] === now[path]) continue;
    const device = deviceOf(path);
    if (device !== "" && !newDevices.has(device))
      found.set(device, { was: "present", now: ABSENT });
    else if (device !== "" && !oldDevices.has(device))
      found.set(device, { was: ABSENT, now: "present" });
    else found.set(path, { was: was[path] ?? ABSENT, now: now[path] ?? ABSENT });
  }
  return found;
}

/** Fields that libvirt can change while the domain runs. Checked on libvirt 9.0 with QEMU 7.2. */
const LIVE_FIELDS = [
  /^currentMemory$/,
  /^vcpu\.current$/,
  /^disk\[sd[a-z]\]\/source/,
  /^graphics\[spice\]\.passwd/,
];
/** Devices that can be unplugged while the domain runs, and hold no data. */
const PLUGGED = /^(?:hostdev|input|interface|redirdev)/;

/** The guest's root disk: another file is an overlay with data, or another system. */
const SYSTEM_DISK = /^disk\[vda\]\/source/;
const ITS_CHAIN = /^disk\[vda\]\/backingStore/;

function costOf(field: string, live: Change | undefined, otherDisk: boolean): Cost {
  if (SYSTEM_DISK.test(field) || (otherDisk && ITS_CHAIN.test(field))) return "refused";
  if (live === undefined) return "none";
  // QEMU can change a ticket, but cannot add one to a domain that was started without.
  if (field === "graphics[spice].passwd" && live.now === ABSENT) return "power cycle";
  if (LIVE_FIELDS.some((pattern) => pattern.test(field))) return "live";
  if (live.was === ABSENT && PLUGGED.test(field)) return "live";
  return "power cycle";
}

/** A domain's two definitions; `live` only of one that runs. */
export interface Definitions {
  readonly persistent: Facts;
  readonly live?: Facts;
}

/** All differences from the definitions that the lab last set. */
export function definitionDrift(was: Definitions, now: Definitions): DriftItem[] {
  const persistent = changes(was.persistent, now.persistent);
  const live =
    was.live === undefined || now.live === undefined
      ? new Map<string, Change>()
      : changes(withoutDomainIds(was.live), now.live);
  const fields = [...new Set([...persistent.keys(), ...live.keys()])].sort();
  const otherDisk = fields.some((field) => SYSTEM_DISK.test(field));
  return fields.map((field) => {
    const [p, l] = [persistent.get(field), live.get(field)];
    const declared = p?.was ?? l?.was ?? ABSENT;
    // A whole device has no fact of its own. Facts outside the definition have no live value.
    const here = (facts: Facts): string =>
      facts[field] ?? (deviceOf(field) === field ? declared : "");
    return {
      field,
      declared,
      persistent: p?.now ?? (here(now.persistent) || ABSENT),
      live: now.live === undefined ? "" : (l?.now ?? here(now.live)),
      cost: costOf(field, l, otherDisk),
    };
  });
}

/** `video/model.type: declared qxl, persistent cirrus, live qxl; healed without a restart` */
export function driftText(item: DriftItem): string {
  const healed: Record<Cost, string> = {
    none: "healed in the definition alone",
    live: "healed while it runs",
    start: "healed by a start",
    "power cycle": "healed by a clean power cycle",
    refused: "not healed: it would lose what the guest has written",
  };
  const live = item.live === "" ? "" : `, live ${item.live}`;
  const persistent =
    item.field === "state" ? `, found ${item.persistent}` : `, persistent ${item.persistent}`;
  return `${item.field}: declared ${item.declared}${persistent}${live}; ${healed[item.cost]}`;
}

/** libvirt resolves a machine's alias: `q35` becomes `pc-q35-7.2`. */
const isKept = (path: string, declared: string, found: string | undefined): boolean =>
  found === declared ||
  (path === "os/type.machine" && found !== undefined && found.startsWith(`pc-${declared}-`));

/** Declared facts that a definition lacks, in words. */
export function notHeld(declared: Facts, found: Facts): string[] {
  return Object.entries(declared)
    .filter(([path, value]) => !isKept(path, value, found[path]))
    .map(([path, value]) => `${path}: declared ${value}, found ${found[path] ?? ABSENT}`);
}

/** The declared facts with their old values, all others with their present values. */
export function rebased(was: Facts, now: Facts, declared: Facts): Facts {
  const kept = Object.entries(was).filter(([path]) => path in declared);
  const others = Object.entries(now).filter(([path]) => !(path in declared));
  return Object.fromEntries([...kept, ...others]);
}

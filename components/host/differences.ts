/** Compares what a host has to be with what was observed. Pure. */
import { key, Recorded } from "../../core/contract";
import { HostContract, HostDifference } from "./contract";
import { effective, RECORDED, SECTIONS } from "./contractItems";
import { HostObservation } from "./observation";

/**
 * Everything that is not as declared or recorded. A value that is not known is a difference too; one that
 * this user may not look at is none: it stays as it was recorded.
 */
export function differences(
  contract: HostContract,
  recorded: Recorded,
  seen: HostObservation,
): HostDifference[] {
  const wanted = SECTIONS.flatMap((section) => section(contract, recorded, seen));
  const byKey = new Map<string, HostDifference>();
  for (const { item, field, right, ok, recorded: known, needs, heal } of wanted) {
    if (needs?.some(([i, f, value]) => seen.value(i, f) !== value) === true) continue;
    const fact = listenerFact(item, right, seen) ?? seen.fact(item, field);
    if (fact?.unread === true) continue;
    const found = fact === undefined ? "nothing" : effective(item, field, fact.value);
    if (fact?.known === true && (ok?.(fact.value) ?? found === right)) continue;
    // Two guests with the same image report it once.
    byKey.set(key(item, field), {
      ...{ item, field, right, recorded: known === true, heal },
      found: fact === undefined ? "nothing reported" : fact.known ? found : `unknown (${found})`,
    });
  }
  return [...byKey.values()];
}

/** All listening sockets are one fact. */
function listenerFact(item: string, address: string, seen: HostObservation) {
  if (!item.startsWith("forwards ")) return undefined;
  const fact = seen.fact("listeners", "tcp");
  if (fact?.known !== true) return fact;
  const value = fact.value.split(" ").includes(address) ? address : "not listening";
  return { ...fact, value };
}

/**
 * The values that a successful `up` records: those that nothing declares. `before`: what the last one recorded,
 * for those that this user may not look at.
 */
export function record(
  contract: HostContract,
  seen: HostObservation,
  before: Recorded = {},
): Record<string, string> {
  const kept: (readonly [string, string])[] = [
    ...RECORDED.flatMap(([item, ...fields]) => fields.map((field) => [item, field] as const)),
    ...contract.packages.map((name) => [`package ${name}`, "hold"] as const),
    ["files", "signature"],
    [`folder ${contract.dataDir}`, "mode"],
    ...contract.guests.flatMap(({ disk }) =>
      disk === undefined
        ? []
        : (["signature", "digest"] as const).map(
            (field) => [`image ${disk.image}`, field] as const,
          ),
    ),
  ];
  const sound = seen.items("file").length === 0;
  return Object.fromEntries(
    kept.flatMap(([item, field]) => {
      const old = before[key(item, field)];
      if (seen.fact(item, field)?.unread === true)
        return old === undefined ? [] : [[key(item, field), old]];
      const value = seen.value(item, field);
      if (value === undefined || (item === "files" && !sound)) return [];
      return [[key(item, field), effective(item, field, value)]];
    }),
  );
}

/** Arguments of scripts/host/observe.sh for this contract. */
export function observeArgs(contract: HostContract, recorded: Recorded): string[] {
  const { dataDir, stack, pool: labPool, guests } = contract;
  const own = `${dataDir}/${stack}`;
  const paths = [dataDir, ...["", "/pool", "/log", "/shares"].map((below) => own + below)];
  const words = (kind: string, values: readonly string[]): string[] =>
    values.flatMap((value) => [kind, value]);
  const images = new Set(guests.flatMap(({ disk }) => (disk === undefined ? [] : [disk.image])));
  return [
    recorded[key("files", "signature")] ?? "-",
    ...words("package", contract.packages),
    ...words("part", contract.parts),
    ...words("folder", [...paths, ...guests.flatMap((g) => g.share?.path ?? [])]),
    ...words(
      "ports",
      guests.map((g) => `${dataDir}/ports/${stack}.${g.name}`),
    ),
    ...[...images].flatMap((path) => [
      ...["image", path],
      recorded[key(`image ${path}`, "signature")] ?? "-",
      recorded[key(`image ${path}`, "digest")] ?? "-",
    ]),
    ...["pool", labPool.name],
    ...(contract.network === undefined ? [] : ["network", contract.network.name]),
    ...guests.flatMap(({ domain, disk }) => [
      ...["domain", domain],
      ...(disk === undefined ? [] : ["volume", labPool.name, `${labPool.path}/${disk.volume}`]),
    ]),
  ];
}

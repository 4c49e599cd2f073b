/** What a side's preview showed of a mutation, what its apply did, and the table of both. Pure. */
import { isDeepStrictEqual } from "node:util";
import { Facts } from "../../../components/domain/facts";

/** What a preview shows of a domain. */
export interface Shown {
  /** Whether `up` or `apply` would change anything. */
  readonly changed: boolean;
  /** The named changes: fields of the definition, or attributes of the provider's resource. */
  readonly names: readonly string[];
}

/** The domain as libvirt has it. */
export interface Snapshot {
  readonly uuid: string;
  readonly state: string;
  readonly persistent: Facts;
  readonly live?: Facts;
  /** False for a transient domain, which is gone after a power-off. */
  readonly defined: boolean;
}

type Seen = "seen" | "partly" | "not seen" | "error";
type Outcome = "healed" | "heals falsely" | "rebuilds" | "rebuilds wrongly" | "refuses" | "fails";

/** The result of one mutation on one side; no outcome where nothing was applied. */
export interface Verdict {
  readonly seen: Seen;
  readonly outcome?: Outcome;
  /** Message of an error. */
  readonly fault?: string;
}

/** The provider's attribute for a part of the definition; other parts have none. */
const ATTRIBUTES: readonly (readonly [RegExp, string])[] = [
  [/^(?:memory|currentMemory)$/, "memory"],
  [/^os\/boot/, "boot_device"],
  [/^os\/type\.machine/, "machine"],
  [/^serial/, "console"],
  [/^state$/, "running"],
  [/^(video|graphics|filesystem|disk|vcpu|autostart|description|metadata)/, ""],
];

function attributeOf(field: string): string | undefined {
  for (const [pattern, attribute] of ATTRIBUTES) {
    const found = pattern.exec(field);
    if (found !== null) return attribute === "" ? found[1] : attribute;
  }
  return undefined;
}

/** Pulumi spells `boot_device` as `bootDevices`. */
const plain = (name: string): string => name.toLowerCase().replaceAll("_", "").replace(/s$/, "");

/** Whether a name in a preview refers to this field. */
function isNamed(field: string, name: string): boolean {
  if (name.startsWith(field)) return true;
  const attribute = attributeOf(field);
  const [first = ""] = name.split(/[.[:]/);
  return attribute !== undefined && plain(attribute) === plain(first);
}

/** How a preview shows a change of `field`. */
export function seenOf(shown: Shown | undefined, field: string): Exclude<Seen, "error"> {
  if (shown === undefined) return "not seen";
  if (shown.names.some((name) => isNamed(field, name))) return "seen";
  return shown.changed ? "partly" : "not seen";
}

/** Equal in definition and running domain; the UUID may differ. */
const same = (one: Snapshot, other: Snapshot): boolean =>
  isDeepStrictEqual({ ...one, uuid: "" }, { ...other, uuid: "" });

/** What an apply with exit code `code` did; `wanted`: before the mutation, `changed`: after it. */
export function outcomeOf(
  code: number,
  wanted: Snapshot,
  changed: Snapshot,
  found: Snapshot | undefined,
): Outcome {
  if (code !== 0) return isDeepStrictEqual(changed, found) ? "refuses" : "fails";
  if (found === undefined) return "heals falsely";
  if (found.uuid !== wanted.uuid) return same(found, wanted) ? "rebuilds" : "rebuilds wrongly";
  return same(found, wanted) ? "healed" : "heals falsely";
}

/** Differences of two snapshots, to print. */
export function differences(one: Snapshot, other: Snapshot | undefined): string[] {
  if (other === undefined) return ["the domain is gone"];
  const flat = ({ persistent, live = {}, ...rest }: Snapshot): Record<string, unknown> => ({
    ...rest,
    ...Object.fromEntries(Object.entries(persistent).map(([k, v]) => [`persistent ${k}`, v])),
    ...Object.fromEntries(Object.entries(live).map(([k, v]) => [`live ${k}`, v])),
  });
  const [a, b] = [flat(one), flat(other)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => a[key] !== b[key])
    .map((key) => `${key}: ${String(a[key])} -> ${String(b[key])}`);
}

const cell = (verdict: Verdict | undefined): string => {
  if (verdict === undefined) return "-";
  const { seen, outcome, fault } = verdict;
  const more = outcome ?? fault;
  return more === undefined ? seen : `${seen}; ${more}`;
};

export interface Row {
  readonly id: string;
  readonly field: string;
  /** By side, in the order of the columns. */
  readonly verdicts: readonly (Verdict | undefined)[];
}

/** The table; its last lines count what each side saw and healed. */
export function table(sides: readonly string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  const count = (is: (verdict: Verdict) => boolean): string[] =>
    sides.map((_, i) => {
      const all = rows.flatMap(({ verdicts }) => verdicts[i] ?? []);
      return `${all.filter(is).length} of ${all.length}`;
    });
  return [
    line(["mutation", "field", ...sides]),
    line(["---", "---", ...sides.map(() => "---")]),
    ...rows.map(({ id, field, verdicts }) =>
      line([id, `\`${field}\``, ...sides.map((_, i) => cell(verdicts[i]))]),
    ),
    line(["**seen**", "the field is named", ...count(({ seen }) => seen === "seen")]),
    line(["**partly**", "a change is shown", ...count(({ seen }) => seen === "partly")]),
    line(["**error**", "no preview", ...count(({ seen }) => seen === "error")]),
    line(["**healed**", "same domain", ...count(({ outcome }) => outcome === "healed")]),
    line(["**rebuilds**", "as declared", ...count(({ outcome }) => outcome === "rebuilds")]),
    line([
      "**heals falsely**",
      "reports success, has none",
      ...count(({ outcome }) => outcome === "heals falsely" || outcome === "rebuilds wrongly"),
    ]),
  ].join("\n");
}

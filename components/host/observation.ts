/** Reads what scripts/host/observe.sh printed. Pure. */
import { Element } from "@xmldom/xmldom";
import { z } from "zod";
import { visible } from "../../core/plainText";
import { childrenOf, firstAt, fromXml } from "../../core/xml";

export interface Fact {
  /** The value, or why it is not known. */
  readonly value: string;
  readonly known: boolean;
  /** This user may not look, for want of root's rights; unset: false. */
  readonly unread?: true;
  /** The command or file that it comes from. */
  readonly source: string;
}

/** One look at a host: facts by item and field. */
export class HostObservation {
  private readonly facts = new Map<string, Map<string, Fact>>();

  add(item: string, field: string, fact: Fact): void {
    const fields = this.facts.get(item) ?? new Map<string, Fact>();
    if (fields.has(field)) {
      throw new Error(`host observation: found '${field}' of '${item}' twice; need it once`);
    }
    this.facts.set(item, fields.set(field, fact));
  }

  fact(item: string, field: string): Fact | undefined {
    return this.facts.get(item)?.get(field);
  }

  /** A known value, or undefined. */
  value(item: string, field: string): string | undefined {
    const fact = this.fact(item, field);
    return fact?.known === true ? fact.value : undefined;
  }

  /** The items and fields that this user may not look at. */
  unread(): (readonly [item: string, field: string])[] {
    return [...this.facts].flatMap(([item, fields]) =>
      [...fields].flatMap(([field, fact]) => (fact.unread ? [[item, field] as const] : [])),
    );
  }

  /** Items of a kind: `file /usr/bin/qemu-img` is of kind `file`. */
  items(kind: string): string[] {
    return [...this.facts.keys()].filter((item) => item.startsWith(`${kind} `));
  }
}

/** Reads an answer. Throws when it is incomplete or of another version. */
export function readObservation(answer: string): HostObservation {
  const lines = answer.split("\n");
  if (lines[0] !== "observe\t1") {
    const found = visible((lines[0] ?? "").slice(0, 80));
    throw new Error(`host observation: found the first line '${found}'; need version 1`);
  }
  const end = lines.findIndex((line) => line.startsWith("end\t"));
  if (end < 0 || lines[end] !== `end\t${end - 1}`) {
    throw new Error("host observation: found an incomplete answer; need its last line");
  }
  const seen = new HostObservation();
  for (const line of lines.slice(1, end)) {
    const [kind = "", item = "", field = "", value, source, ...rest] = line.split("\t");
    if (!/^(fact|unknown|unread)$/.test(kind) || source === undefined || rest.length > 0) {
      throw new Error(
        `host observation: found the line '${line.slice(0, 80)}'; need KIND ITEM FIELD VALUE SOURCE`,
      );
    }
    const unread = kind === "unread" ? ({ unread: true } as const) : {};
    seen.add(item, field, { value: value ?? "", known: kind === "fact", ...unread, source });
  }
  for (const item of seen.items("volume")) {
    const header = seen.fact(item, "header");
    if (header !== undefined) readHeader(seen, item, header);
  }
  const transcript = seen.value("libvirt", "transcript");
  if (transcript !== undefined) readTranscript(seen, decoded(transcript));
  readCards(seen);
  return seen;
}

/** Says of each domain on a network that was looked at whether its cards are in the network's bridge. */
function readCards(seen: HostObservation): void {
  const bridges = seen.value("cards", "bridges")?.split(" ") ?? [];
  for (const domain of seen.items("domain")) {
    const cards = seen.value(domain, "cards")?.split("\n") ?? [];
    for (const network of seen.items("network")) {
      const name = network.slice("network ".length);
      const ending = `=${name}`;
      const own = cards.filter((card) => card.endsWith(ending));
      const bridge = seen.value(network, "bridge");
      if (own.length === 0 || bridge === undefined) continue;
      const devices = own.map((card) => card.slice(0, -ending.length));
      const loose = devices.filter((device) => !bridges.includes(`${device}=${bridge}`));
      seen.add(network, `card of ${domain.slice("domain ".length)}`, {
        value: loose.length === 0 ? "in its bridge" : `${loose.join(" ")} outside ${bridge}`,
        ...{ known: true, source: "virsh dumpxml, ip link" },
      });
    }
  }
}

const decoded = (base64: string): string => Buffer.from(base64, "base64").toString("utf8");

const headerSchema = z.object({
  format: z.string(),
  "virtual-size": z.int(),
  "backing-filename": z.string().default("none"),
  "full-backing-filename": z.string().optional(),
  "backing-filename-format": z.string().default("none"),
});

/** Reads the header of a volume's file, from `qemu-img info --output=json`. */
function readHeader(seen: HostObservation, item: string, fact: Fact): void {
  const { known, source, unread } = fact;
  const header = known ? headerOf(decoded(fact.value)) : undefined;
  const reason = known ? "the answer cannot be read" : fact.value;
  const add = (field: string, value: string | undefined): void =>
    seen.add(item, field, {
      value: visible(value ?? reason),
      known: value !== undefined,
      ...(unread ? { unread } : {}),
      source,
    });
  add("format", header?.format);
  add("virtual size", header?.["virtual-size"].toString());
  add("backing file", header?.["full-backing-filename"] ?? header?.["backing-filename"]);
  add("backing format", header?.["backing-filename-format"]);
}

function headerOf(text: string): z.infer<typeof headerSchema> | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  return headerSchema.safeParse(answer).data;
}

/** Reads virsh's output, one section per item. */
function readTranscript(seen: HostObservation, text: string): void {
  const parts = text.split(/^@@((?:pool|volume|network|domain) [^@\n]+)@@/m);
  for (let i = 1; i + 1 < parts.length; i += 2) {
    const item = (parts[i] ?? "").replaceAll("%40", "@").replaceAll("%25", "%");
    const said = parts[i + 1] ?? "";
    const kind = item.split(" ")[0] ?? "";
    const add = (field: string, value: string): void =>
      seen.add(item, field, { value, known: true, source: SOURCES[kind] ?? "virsh" });
    const error = /^error: (.*)$/m.exec(said);
    if (error !== null) {
      const absent =
        /not found|failed to get|no (storage|network|domain)|cannot open|Cannot access/;
      if (absent.test(said)) add("state", "missing");
      else {
        const reason = said.replaceAll(/\s+/g, " ").trim();
        seen.add(item, "state", { value: reason, known: false, source: SOURCES[kind] ?? "virsh" });
      }
      continue;
    }
    const start = said.indexOf("<");
    const root = start < 0 ? null : fromXml(said.slice(start)).documentElement;
    if (root === null)
      throw new Error(`host observation: found no XML of ${item}; need its definition`);
    READERS[kind]?.(said.slice(0, start), root, add);
  }
}

type Add = (field: string, value: string) => void;

const SOURCES: Readonly<Record<string, string>> = {
  pool: "virsh pool-info, pool-dumpxml",
  volume: "virsh vol-dumpxml",
  network: "virsh net-info, net-dumpxml",
  domain: "virsh domstate, dumpxml",
};

const infoLine = (info: string, key: string): string =>
  new RegExp(`^${key}: +(.*)$`, "m").exec(info)?.[1]?.trim() ?? "";

const textAt = (root: Element, ...names: string[]): string =>
  firstAt(root, ...names)?.textContent ?? "";

const attribute = (element: Element | undefined, name: string): string =>
  element?.getAttribute(name) ?? "";

const READERS: Readonly<Record<string, (info: string, root: Element, add: Add) => void>> = {
  pool(info, root, add) {
    add("state", infoLine(info, "State") === "running" ? "active" : "inactive");
    add("autostart", infoLine(info, "Autostart"));
    add("path", textAt(root, "target", "path"));
  },
  volume(_info, _root, add) {
    add("state", "exists");
  },
  network(info, root, add) {
    const ip = childrenOf(root, "ip")[0];
    const bridge = infoLine(info, "Bridge");
    if (bridge !== "") add("bridge", bridge);
    add("state", infoLine(info, "Active") === "yes" ? "active" : "inactive");
    add("autostart", infoLine(info, "Autostart") === "yes" ? "yes" : "no");
    const mask = attribute(ip, "netmask");
    const prefix = attribute(ip, "prefix") || (mask === "255.255.255.0" ? "24" : mask);
    add("address", `${attribute(ip, "address")}/${prefix}`);
    add("stack", textAt(root, "metadata", "mirlab:owner", "mirlab:stack") || "none");
    const dhcp = ip === undefined ? undefined : firstAt(ip, "dhcp");
    for (const host of dhcp === undefined ? [] : childrenOf(dhcp, "host")) {
      add(`address of ${attribute(host, "mac").toLowerCase()}`, attribute(host, "ip"));
    }
  },
  domain(info, root, add) {
    add("state", info.trim());
    const owner = firstAt(root, "metadata", "mirlab:owner");
    add("owner", owner === undefined ? "none" : ownerText(owner));
    const words = Array.from(root.getElementsByTagName("qemu:arg"));
    const forward = words
      .map((word) => /hostfwd=tcp:127\.0\.0\.1:(\d+)-:22/.exec(attribute(word, "value"))?.[1])
      .find((port) => port !== undefined);
    if (forward !== undefined) add("ssh port", forward);
    const devices = firstAt(root, "devices");
    const cards = devices === undefined ? [] : childrenOf(devices, "interface");
    // Only a running domain's card has a device of the host.
    const named = cards.flatMap((card) => {
      const device = attribute(firstAt(card, "target"), "dev");
      return device === "" ? [] : [`${device}=${attribute(firstAt(card, "source"), "network")}`];
    });
    if (named.length > 0) add("cards", named.join("\n"));
    const graphics = devices === undefined ? [] : childrenOf(devices, "graphics");
    const spice = graphics.find((g) => attribute(g, "type") === "spice");
    const port = attribute(spice, "port");
    if (/^\d+$/.test(port) && attribute(spice, "autoport") !== "yes") {
      add("spice port", port);
      add("spice address", attribute(spice, "listen") || "127.0.0.1");
    }
  },
};

const ownerText = (owner: Element): string =>
  `${textAt(owner, "mirlab:stack")}.${textAt(owner, "mirlab:guest")}`;

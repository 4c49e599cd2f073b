/**
 * A domain's definition as flat facts, so that two definitions can be compared in words. Pure.
 *
 * `video/model.type` is an attribute, `memory` a text. Siblings are told apart by their names in
 * libvirt (`disk[vda]`, `channel[com.redhat.spice.0]`), by their order only if they have none. Values
 * that libvirt chooses at every start are left out: aliases, bus addresses, pty paths, ids.
 */
import { Element } from "@xmldom/xmldom";
import { childrenOf, firstAt, fromXml } from "../../core/xml";

/** Value by path, e.g. `graphics[spice].port` = `5901`. An empty element has the value `present`. */
export type Facts = Readonly<Record<string, string>>;

const attribute = (e: Element, name: string): string => e.getAttribute(name) ?? "";
const at = (e: Element, child: string, name: string): string => {
  const found = firstAt(e, child);
  return found === undefined ? "" : attribute(found, name);
};

/** The name of an element among its siblings; elements not listed here are counted. */
const KEYS: Readonly<Record<string, (e: Element) => string>> = {
  channel: (e) => at(e, "target", "name"),
  controller: (e) => `${attribute(e, "type")}-${attribute(e, "index")}`,
  disk: (e) => at(e, "target", "dev"),
  feature: (e) => attribute(e, "name"),
  filesystem: (e) => at(e, "target", "dir"),
  graphics: (e) => attribute(e, "type"),
  input: (e) => `${attribute(e, "type")}-${attribute(e, "bus")}`,
  interface: (e) => at(e, "mac", "address").toLowerCase(),
  timer: (e) => attribute(e, "name"),
};

/**
 * Whether a path is in a folder that libvirt named after the domain's id, which changes at every start:
 * `.../libvirt/qemu/channel/target/domain-3-NAME/...` (libvirt 9), `/run/libvirt/qemu/channel/3-NAME/...`
 * (libvirt 11).
 */
const hasDomainId = (path: string): boolean =>
  /\/libvirt\/qemu\/(?:[^/]+\/)*?(?:domain-)?\d+-[^/]+\//.test(path);

/** The facts without elements that have such a path: a baseline of December 2026 or older can have them. */
export function withoutDomainIds(facts: Facts): Facts {
  const entries = Object.entries(facts);
  const elements = entries
    .filter(([, value]) => hasDomainId(value))
    .map(([path]) => path.replace(/[^.]+$/, ""));
  return Object.fromEntries(entries.filter(([path]) => !elements.some((e) => path.startsWith(e))));
}

/** Elements that libvirt chooses at every start. */
function isVolatile(e: Element, parent: Element): boolean {
  switch (e.nodeName) {
    case "alias":
    case "imagelabel":
      return true;
    case "uuid":
      return parent.nodeName === "domain";
    case "address":
      // The address of a host device is its identity; that of a guest device is a place on a bus.
      return parent.nodeName !== "source";
    case "label":
      return parent.nodeName === "seclabel" && attribute(parent, "type") !== "static";
    case "source":
      return attribute(parent, "type") === "pty" || hasDomainId(attribute(e, "path"));
    default:
      return false;
  }
}

const VOLATILE_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  domain: ["id"],
  console: ["tty"],
  target: ["state"],
  source: ["index", "portid"],
  backingStore: ["index"],
  mirror: ["index"],
};

function isVolatileAttribute(e: Element, name: string): boolean {
  if (VOLATILE_ATTRIBUTES[e.nodeName]?.includes(name)) return true;
  if (e.nodeName === "graphics" && attribute(e, "autoport") === "yes") {
    return name === "port" || name === "tlsPort";
  }
  // The host's end of a NIC, and the bridge of a running network.
  if (e.nodeName === "target" && name === "dev")
    return /^(vnet|macvtap)\d+$/.test(attribute(e, name));
  return e.nodeName === "source" && name === "bridge" && e.hasAttribute("network");
}

const KIB: Readonly<Record<string, number>> = {
  ...{ b: 1 / 1024, bytes: 1 / 1024, KB: 1000 / 1024, K: 1, KiB: 1 },
  ...{ MB: 1e6 / 1024, M: 1024, MiB: 1024, GB: 1e9 / 1024, G: 1024 ** 2, GiB: 1024 ** 2 },
  ...{ TB: 1e12 / 1024, T: 1024 ** 3, TiB: 1024 ** 3 },
};
const SIZES = new Set(["memory", "currentMemory", "maxMemory"]);

function textOf(e: Element): string {
  const text = (e.textContent ?? "").trim();
  if (!SIZES.has(e.nodeName) || e.parentNode?.nodeName !== "domain") return text;
  const unit = KIB[attribute(e, "unit") || "KiB"];
  return unit === undefined ? text : `${Math.ceil(Number(text) * unit)} KiB`;
}

const elementsOf = (parent: Element): Element[] =>
  Array.from(parent.childNodes).filter((node): node is Element => node.nodeType === 1);

/** Never show or store a display's password: the fact is only whether it is the lab's ticket. */
export const TICKET_FACT = { own: "the lab's ticket", other: "another" } as const;

function walk(
  e: Element,
  path: string,
  into: Record<string, string>,
  ticket: string | undefined,
): void {
  const before = Object.keys(into).length;
  for (const { nodeName: name, nodeValue } of Array.from(e.attributes)) {
    if (name.startsWith("xmlns") || isVolatileAttribute(e, name)) continue;
    if (SIZES.has(e.nodeName) && name === "unit") continue;
    into[`${path}.${name}`] =
      name === "passwd" ? TICKET_FACT[nodeValue === ticket ? "own" : "other"] : (nodeValue ?? "");
  }
  const children = elementsOf(e).filter((child) => !isVolatile(child, e));
  const seen = new Map<string, number>();
  for (const child of children) {
    const key = KEYS[child.nodeName]?.(child) ?? "";
    const name = child.nodeName + (key === "" ? "" : `[${key}]`);
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    const step = count === 0 ? name : `${name}[${count}]`;
    // Devices have names of their own: their position in the document does not matter.
    walk(child, path === "" || path === "devices" ? step : `${path}/${step}`, into, ticket);
  }
  const text = elementsOf(e).length === 0 ? textOf(e) : "";
  if (text !== "") into[path] = text;
  else if (Object.keys(into).length === before && path !== "" && elementsOf(e).length === 0)
    into[path] = "present";
}

/** The facts of a definition; `ticket` is the lab's. Throws on any other document. */
export function domainFactsOf(xml: string, ticket?: string): Facts {
  const root = fromXml(xml).documentElement;
  if (root?.nodeName !== "domain") {
    throw new Error(`domain definition: found <${root?.nodeName ?? ""}>; need <domain>`);
  }
  const facts: Record<string, string> = {};
  walk(root, "", facts, ticket);
  // The attributes of the root itself have no path before their dot.
  return Object.fromEntries(
    Object.entries(facts).map(([path, value]) => [path.replace(/^\./, ""), value]),
  );
}

/** The XML of a device, by its name in the facts; undefined: no such device. */
export function deviceElement(xml: string, device: string): Element | undefined {
  const root = fromXml(xml).documentElement;
  const devices = root === null ? undefined : firstAt(root, "devices");
  const [, name = "", key] = /^([^[]+)(?:\[(.*)\])?$/.exec(device) ?? [];
  if (devices === undefined) return undefined;
  return childrenOf(devices, name).find((e) => (KEYS[name]?.(e) ?? "") === (key ?? ""));
}

/**
 * Gives the definition of an installed guest the page's hardware, and its own back. Pure.
 *
 * Only the parts below are edited. Everything else in the owner's definition, known to this project or
 * not, stays as it is.
 */
import { Document, Element } from "@xmldom/xmldom";
import {
  channelTrees,
  DomainSpec,
  graphicsTree,
  ownerTree,
  shareTree,
  videoTree,
} from "../definition";
import { childrenOf, firstAt, fromXml, NAMESPACES, toXml, Tree, xmlText } from "../../../core/xml";

export interface AdoptContract {
  readonly stack: string;
  readonly guest: string;
  readonly spice: DomainSpec["spice"];
  /** The screen's password. Secret, so it is never declared. */
  readonly ticket?: string;
  readonly video: DomainSpec["video"];
  /** libvirt has no free USB port in this domain. @default false */
  readonly usbFull?: boolean;
  /** Mount tag of the lab's 9p share: the lab manages the filesystem with this tag. */
  readonly shareTag: string;
  /** The folder to share; unset: none. */
  readonly share?: { readonly path: string; readonly readonly: boolean };
}

/** Who marked a domain. `adopted` is false for a domain that a lab created. */
export interface Owner {
  readonly stack: string;
  readonly guest: string;
  readonly adopted: boolean;
}

/** One part of the contract, and the devices that it governs. */
interface Part {
  readonly id: string;
  readonly governs: (device: Element) => boolean;
  /** Whether a governed device is as the contract wants it. */
  readonly fits: (device: Element) => boolean;
  /** The device to add when none fits; undefined: no such device may exist. */
  readonly tree: Tree | undefined;
  /** True: exactly one fitting device; false: at least one. */
  readonly exact: boolean;
}

/** Elements that libvirt adds to a device by itself. */
const LIBVIRTS_OWN = new Set(["address", "alias"]);

/** Buses whose controllers libvirt adds when a device needs one. */
const ADDED_CONTROLLERS = new Set(["pci", "usb", "virtio-serial"]);

const elementsOf = (parent: Element): Element[] =>
  Array.from(parent.childNodes).filter((node): node is Element => node.nodeType === 1);

const attribute = (element: Element, child: string, name: string): string =>
  firstAt(element, child)?.getAttribute(name) ?? "";

/** Whether the element equals the tree, apart from libvirt's own additions. */
function equals(element: Element, [name, attributes = {}, ...children]: Tree): boolean {
  const wanted = children.filter((child): child is Tree => Array.isArray(child));
  const found = elementsOf(element).filter((child) => !LIBVIRTS_OWN.has(child.nodeName));
  return (
    element.nodeName === name &&
    element.attributes.length === Object.keys(attributes).length &&
    Object.entries(attributes).every(
      ([key, value]) => element.getAttribute(key) === String(value),
    ) &&
    found.length === wanted.length &&
    wanted.every((tree) => found.some((child) => equals(child, tree)))
  );
}

const isGraphics = (d: Element): boolean => d.nodeName === "graphics";
const isVideo = (d: Element): boolean => d.nodeName === "video";
const isTablet = (d: Element): boolean =>
  d.nodeName === "input" && d.getAttribute("type") === "tablet";
const isSpiceAudio = (d: Element): boolean =>
  d.nodeName === "audio" && d.getAttribute("type") === "spice";
const isChannel =
  (name: string) =>
  (d: Element): boolean =>
    d.nodeName === "channel" && attribute(d, "target", "name") === name;
const isSpiceChannel = isChannel("com.redhat.spice.0");
const isAgentChannel = isChannel("org.qemu.guest_agent.0");
const isShare =
  (tag: string) =>
  (d: Element): boolean =>
    d.nodeName === "filesystem" && attribute(d, "target", "dir") === tag;

/** A domain without USB, or without a free port of it, gets its tablet on virtio. */
function tabletTree(devices: Element, full: boolean): Tree {
  const usb = childrenOf(devices, "controller").filter((c) => c.getAttribute("type") === "usb");
  const none = usb.length > 0 && usb.every((c) => c.getAttribute("model") === "none");
  return ["input", { type: "tablet", bus: none || full ? "virtio" : "usb" }];
}

/** The tree of the contract's share, if it has one. */
function wantedShare({ share, shareTag }: AdoptContract): Tree | undefined {
  return share === undefined ? undefined : shareTree({ ...share, tag: shareTag });
}

function parts(contract: AdoptContract, devices: Element, original: Element): Part[] {
  const [spiceChannel, agentChannel] = channelTrees();
  const { usbFull = false } = contract;
  const graphics = graphicsTree(contract.spice, contract.ticket);
  const video = videoTree(contract.video);
  const share = wantedShare(contract);
  const isOurShare = isShare(contract.shareTag);
  const any = (): boolean => true;
  return [
    {
      ...{ id: "graphics", governs: isGraphics, exact: true, tree: graphics },
      fits: (d) => equals(d, graphics),
    },
    { id: "video", governs: isVideo, exact: true, tree: video, fits: (d) => equals(d, video) },
    {
      ...{ id: "spice channel", governs: isSpiceChannel, exact: true, tree: spiceChannel },
      fits: (d) => d.getAttribute("type") === "spicevmc",
    },
    {
      ...{ id: "agent channel", governs: isAgentChannel, exact: false, tree: agentChannel },
      fits: any,
    },
    {
      ...{ id: "tablet", governs: isTablet, exact: false, tree: tabletTree(devices, usbFull) },
      fits: any,
    },
    {
      ...{ id: "share", governs: isOurShare, tree: share },
      // Without a declared share, one from before the adoption stays.
      exact: share !== undefined || !elementsOf(original).some(isOurShare),
      fits: (d) => share !== undefined && equals(d, share),
    },
  ];
}

function isMet(part: Part, devices: Element): boolean {
  const governed = elementsOf(devices).filter(part.governs);
  if (part.tree === undefined) return !part.exact || governed.length === 0;
  return part.exact ? governed.length === 1 && governed.every(part.fits) : governed.some(part.fits);
}

function imported(doc: Document, tree: Tree): Element {
  const prefix = tree[0].split(":").length > 1 ? [tree[0].split(":")[0] ?? ""] : [];
  const root = fromXml(toXml(tree, prefix)).documentElement;
  return doc.importNode(root as Element, true);
}

function meet(part: Part, doc: Document, devices: Element): void {
  if (isMet(part, devices)) return;
  const governed = elementsOf(devices).filter(part.governs);
  const keep = governed.find(part.fits);
  if (keep === undefined && part.tree !== undefined) {
    devices.insertBefore(imported(doc, part.tree), governed[0] ?? null);
  }
  for (const device of governed) if (device !== keep) devices.removeChild(device);
}

function rootOf(doc: Document): Element {
  const root = doc.documentElement;
  if (root?.nodeName !== "domain") {
    throw new Error(`domain definition: found <${root?.nodeName ?? ""}>; need <domain>`);
  }
  return root;
}

function devicesOf(root: Element): Element {
  const devices = firstAt(root, "devices");
  if (devices === undefined) throw new Error("domain definition: found no <devices>; need it");
  return devices;
}

/** Our mark in the metadata, whatever prefix it is written with. */
function markOf(root: Element): Element | undefined {
  const metadata = firstAt(root, "metadata");
  return metadata === undefined
    ? undefined
    : elementsOf(metadata).find((e) => e.namespaceURI === NAMESPACES.mirlab);
}

/** Who marked the domain, or undefined for nobody. */
export function ownerOf(xml: string): Owner | undefined {
  const mark = markOf(rootOf(fromXml(xml)));
  if (mark === undefined) return undefined;
  const text = (name: string): string =>
    elementsOf(mark).find((e) => e.localName === name)?.textContent ?? "";
  const adopted = elementsOf(mark).some((e) => e.localName === "adopted");
  return { stack: text("stack"), guest: text("guest"), adopted };
}

/** Facts of a definition that decide whether and how it can be adopted. */
export function domainFacts(xml: string): { name: string; uuid: string; type: string } {
  const root = rootOf(fromXml(xml));
  const text = (name: string): string => firstAt(root, name)?.textContent ?? "";
  return { name: text("name"), uuid: text("uuid"), type: root.getAttribute("type") ?? "" };
}

/** Parts of the hardware that are not as the contract wants them; empty when all are. */
export function differences(xml: string, contract: AdoptContract, originalXml: string): string[] {
  const devices = devicesOf(rootOf(fromXml(xml)));
  const original = devicesOf(rootOf(fromXml(originalXml)));
  return parts(contract, devices, original)
    .filter((part) => !isMet(part, devices))
    .map((part) => part.id);
}

/** Why the contract cannot be met without removing something of the owner's; undefined: it can. */
export function refusal(originalXml: string, contract: AdoptContract): string | undefined {
  const { share, shareTag } = contract;
  const tree = wantedShare(contract);
  if (share === undefined || tree === undefined) return undefined;
  const own = elementsOf(devicesOf(rootOf(fromXml(originalXml)))).find(isShare(shareTag));
  if (own === undefined || equals(own, tree)) return undefined;
  return (
    `found its own filesystem with the tag '${shareTag}' (${attribute(own, "source", "dir")}); ` +
    `need this tag for ${share.path}; fix: rename the tag of the domain's own filesystem, ` +
    `or set guests[].share.enabled to false`
  );
}

/** The definition with the contract's hardware and our mark. The same input gives the same text. */
export function adopt(xml: string, contract: AdoptContract, originalXml: string): string {
  const doc = fromXml(xml);
  const root = rootOf(doc);
  const devices = devicesOf(root);
  const original = devicesOf(rootOf(fromXml(originalXml)));
  for (const part of parts(contract, devices, original)) meet(part, doc, devices);

  let metadata = firstAt(root, "metadata");
  if (metadata === undefined) {
    metadata = doc.createElementNS(null, "metadata");
    root.insertBefore(metadata, devices);
  }
  const mark = imported(doc, [...ownerTree(contract.stack, contract.guest), ["mirlab:adopted"]]);
  const old = markOf(root);
  if (old === undefined) metadata.appendChild(mark);
  else metadata.replaceChild(mark, old);
  return xmlText(doc);
}

/** An element's meaning as text: attributes by name, white space between elements left out. */
function meaning(element: Element): string {
  const attributes = Array.from(element.attributes)
    .filter((a) => !a.nodeName.startsWith("xmlns"))
    .map((a) => `${a.nodeName}=${JSON.stringify(a.nodeValue)}`)
    .sort();
  const children = elementsOf(element);
  const inside =
    children.length === 0
      ? JSON.stringify((element.textContent ?? "").trim())
      : children.map(meaning).join("");
  return `<${element.namespaceURI ?? ""} ${element.localName} ${attributes.join(" ")}>${inside}</>`;
}

/** Domain, bus and slot of a device on PCI; "" for any other. */
function slotOf(device: Element): string {
  const [address] = childrenOf(device, "address");
  return address?.getAttribute("type") === "pci"
    ? ["domain", "bus", "slot"].map((name) => address.getAttribute(name) ?? "").join(":")
    : "";
}

/** A copy without `multifunction`: libvirt sets it when it adds a controller to the device's slot. */
function plainAddress(device: Element): Element {
  const copy = device.cloneNode(true) as Element;
  for (const address of childrenOf(copy, "address")) address.removeAttribute("multifunction");
  return copy;
}

/** The definition without our parts, our mark and the controllers that libvirt added for them. */
function rest(xml: string, originalXml: string, shareTag: string): string {
  const root = rootOf(fromXml(xml));
  const devices = devicesOf(root);
  const originals = new Set(elementsOf(devicesOf(rootOf(fromXml(originalXml)))).map(meaning));
  const ours = [isGraphics, isVideo, isSpiceChannel, isAgentChannel, isTablet, isShare(shareTag)];
  const came = (d: Element): boolean =>
    (d.nodeName === "controller" && ADDED_CONTROLLERS.has(d.getAttribute("type") ?? "")) ||
    isSpiceAudio(d);
  const isOriginal = (d: Element): boolean => originals.has(meaning(d));
  // Alone in its slot before; libvirt has set `multifunction` since.
  const wasAlone = (d: Element): boolean => !isOriginal(d) && isOriginal(plainAddress(d));
  const added = elementsOf(devices).filter((d) => came(d) && !isOriginal(d) && !wasAlone(d));
  const slots = new Set(added.map(slotOf));
  for (const device of elementsOf(devices)) {
    if (added.includes(device) || ours.some((is) => is(device))) devices.removeChild(device);
    else if (slots.has(slotOf(device)) && wasAlone(device))
      devices.replaceChild(plainAddress(device), device);
  }
  dropMark(root);
  // An empty element means nothing.
  for (const metadata of childrenOf(root, "metadata")) {
    if (elementsOf(metadata).length === 0) root.removeChild(metadata);
  }
  return meaning(root);
}

function dropMark(root: Element): void {
  const mark = markOf(root);
  if (mark === undefined) return;
  const metadata = mark.parentNode as Element;
  metadata.removeChild(mark);
  if (elementsOf(metadata).length === 0) root.removeChild(metadata);
}

/** Replaces the devices of one kind by the original's. */
function putBack(
  doc: Document,
  devices: Element,
  original: Element,
  is: (d: Element) => boolean,
): void {
  const now = elementsOf(devices);
  const first = now.findIndex(is);
  const next = first < 0 ? undefined : now.slice(first).find((d) => !is(d));
  for (const device of now.filter(is)) devices.removeChild(device);
  for (const device of elementsOf(original).filter(is)) {
    const taken = elementsOf(devices).flatMap((d) => childrenOf(d, "address").map(meaning));
    const copy = doc.importNode(device, true);
    for (const address of childrenOf(copy, "address")) {
      // A device that was added since may use this address; libvirt chooses another.
      if (taken.includes(meaning(address))) copy.removeChild(address);
    }
    devices.insertBefore(copy, next ?? null);
  }
}

/**
 * The definition without our edits. If nothing else has changed since, it is the exact original; else
 * the owner's later changes stay, and only our parts are restored.
 */
export function release(xml: string, originalXml: string, shareTag: string): string {
  if (rest(xml, originalXml, shareTag) === rest(originalXml, originalXml, shareTag))
    return originalXml;
  const doc = fromXml(xml);
  const root = rootOf(doc);
  const devices = devicesOf(root);
  const original = devicesOf(rootOf(fromXml(originalXml)));
  for (const is of [isGraphics, isVideo, isSpiceChannel]) putBack(doc, devices, original, is);
  for (const is of [isAgentChannel, isTablet, isShare(shareTag)]) {
    const added = elementsOf(devices).find(is);
    if (added !== undefined && !elementsOf(original).some(is)) devices.removeChild(added);
  }
  const spice = elementsOf(original).some(
    (d) => isGraphics(d) && d.getAttribute("type") === "spice",
  );
  // libvirt adds SPICE audio to a SPICE domain, and QEMU refuses it without SPICE.
  if (!spice) putBack(doc, devices, original, isSpiceAudio);
  dropMark(root);
  return xmlText(doc);
}

/** Whether two definitions mean the same. */
export function sameMeaning(a: string, b: string): boolean {
  return meaning(rootOf(fromXml(a))) === meaning(rootOf(fromXml(b)));
}

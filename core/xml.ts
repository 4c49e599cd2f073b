/** Builds and reads XML by a serializer and a parser; never by text. Pure. */
import { Document, DOMImplementation, DOMParser, Element, XMLSerializer } from "@xmldom/xmldom";
import { shortened, visible } from "./plainText";

/** A node to build: `[name, attributes, ...children]`; a string child is text. */
export type Tree = readonly [name: string, attributes?: Attributes, ...children: TreeChild[]];
export type TreeChild = Tree | string | undefined;
type Attributes = Readonly<Record<string, string | number>>;

/** Namespaces of the prefixes that our trees use. */
export const NAMESPACES: Readonly<Record<string, string>> = {
  qemu: "http://libvirt.org/schemas/domain/qemu/1.0",
  mirlab: "urn:mirlab:1",
  xsl: "http://www.w3.org/1999/XSL/Transform",
};

// XML 1.0 cannot carry most of these in any spelling; libvirt would only report a line number. A
// carriage return is read back as a line feed, U+0085 and U+2028 too by readers of XML 1.1, and
// readers take U+FFFD for a wrong encoding.
// eslint-disable-next-line no-control-regex -- control characters are what is refused here
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c-\u001f\u0085\u2028\ufffd-\uffff]/;

function checked(text: string): string {
  if (FORBIDDEN.test(text)) throw new Error("XML cannot carry control characters");
  if (!text.isWellFormed()) throw new Error("XML cannot carry a lone surrogate");
  return text;
}

function namespaceOf(name: string): string | null {
  const [prefix, local] = name.split(":");
  if (local === undefined) return null;
  const namespace = NAMESPACES[prefix ?? ""];
  if (namespace === undefined) throw new Error(`unknown XML prefix in '${name}'`);
  return namespace;
}

function append(doc: Document, parent: Document | Element, tree: Tree): Element {
  const [name, attributes = {}, ...children] = tree;
  const element = doc.createElementNS(namespaceOf(name), name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, checked(String(value)));
  }
  for (const child of children) {
    if (child === undefined) continue;
    if (typeof child === "string") element.appendChild(doc.createTextNode(checked(child)));
    else append(doc, element, child);
  }
  parent.appendChild(element);
  return element;
}

/** Serializes a tree; the prefixes in `declare` are declared on the root. */
export function toXml(tree: Tree, declare: readonly string[] = []): string {
  const doc = new DOMImplementation().createDocument(null, "", null);
  const root = append(doc, doc, tree);
  for (const prefix of declare) {
    root.setAttributeNS(
      "http://www.w3.org/2000/xmlns/",
      `xmlns:${prefix}`,
      NAMESPACES[prefix] ?? "",
    );
  }
  return xmlText(doc);
}

/**
 * A document as text. The serializer does not escape carriage returns in texts, and readers would
 * take them for line feeds. A parsed document has carriage returns nowhere else.
 */
export function xmlText(doc: Document): string {
  return new XMLSerializer().serializeToString(doc).replaceAll("\r", "&#13;");
}

/** Parses a document of libvirt. Throws on malformed XML and on any DTD (entities). */
export function fromXml(text: string): Document {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new Error("XML with a document type is refused");
  // The parser wraps an error thrown here and adds text of the document: keep the first message.
  let fault = "";
  const stop = (level: string, message: string): void => {
    fault ||= `malformed XML (${level}): ${shortened(visible(message), 200)}`;
    throw new Error(fault);
  };
  // The parser normalizes by XML 1.1, which loses U+0085 and U+2028; libvirt writes XML 1.0.
  const normalizeLineEndings = (source: string): string => source.replaceAll(/\r\n?/g, "\n");
  const parser = new DOMParser({ onError: stop, normalizeLineEndings });
  try {
    return parser.parseFromString(text, "text/xml");
  } catch (error) {
    throw fault === "" ? error : new Error(fault);
  }
}

/** The child elements of that name, in order. */
export function childrenOf(parent: Element, name: string): Element[] {
  return Array.from(parent.childNodes).filter(
    (node): node is Element => node.nodeType === 1 && node.nodeName === name,
  );
}

/** The first element down a path of names, or undefined. */
export function firstAt(parent: Element, ...names: readonly string[]): Element | undefined {
  return names.reduce<Element | undefined>(
    (at, name) => (at === undefined ? undefined : childrenOf(at, name)[0]),
    parent,
  );
}

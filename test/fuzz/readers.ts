/** Independent parsers, which show what other programs read. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Element, Node } from "@xmldom/xmldom";
import { fromXml } from "../../core/xml";
import { DIR } from "./hostile";
import { lacking, run } from "./sink";

/** Runs a Python program once on all values, which it gets as `data`. */
function byPython(program: string, data: unknown): unknown {
  return JSON.parse(
    run(
      "python3",
      ["-c", `import json,sys\ndata=json.load(sys.stdin)\n${program}`],
      JSON.stringify(data),
    ),
  );
}

export const LACKS_PYTHON = lacking("python3", "python3", "-c", "");
export const LACKS_PYTHON_YAML = lacking("python3-yaml", "python3", "-c", "import yaml");

/** Documents as read by PyYAML; `{}` for one that it refuses. */
export const readByPyYaml = (documents: readonly string[]): unknown[] =>
  byPython(
    "import yaml\n" +
      "def read(d):\n" +
      "  try: return yaml.safe_load(d)\n" +
      "  except Exception: return {}\n" +
      "print(json.dumps([read(d) for d in data], default=repr))",
    documents,
  ) as unknown[];

/** The parts of a URI as read by Python. */
export interface PythonUri {
  readonly scheme: string;
  readonly user: string | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string;
  readonly query: readonly (readonly [key: string, value: string])[];
}

/** URIs as read by Python; null for one that it refuses. */
export const readUris = (uris: readonly string[]): (PythonUri | null)[] =>
  byPython(
    "from urllib.parse import urlsplit, parse_qsl\n" +
      "def read(u):\n" +
      "  try:\n" +
      "    s = urlsplit(u)\n" +
      "    q = parse_qsl(s.query, keep_blank_values=True, strict_parsing=True) if s.query else []\n" +
      "    return dict(scheme=s.scheme, user=s.username, host=s.hostname, port=s.port, path=s.path, query=q)\n" +
      "  except Exception: return None\n" +
      "print(json.dumps([read(u) for u in data]))",
    uris,
  ) as (PythonUri | null)[];

/** An element: its name with the namespace, its attributes by name, the text in it. */
export type ReadElement = readonly [
  name: string,
  attributes: readonly (readonly [name: string, value: string])[],
  text: string,
];

/** All elements of each document in order, as read by expat; null for one that it refuses. */
export const readByExpat = (documents: readonly string[]): (ReadElement[] | null)[] =>
  byPython(
    "import xml.etree.ElementTree as E\n" +
      "def read(d):\n" +
      "  try: root = E.fromstring(d.encode('utf-8'))\n" +
      "  except Exception: return None\n" +
      "  def text(e): return (e.text or '') + ''.join(c.tail or '' for c in e)\n" +
      "  return [[e.tag, sorted(e.attrib.items()), text(e)] for e in root.iter()]\n" +
      "print(json.dumps([read(d) for d in data]))",
    documents,
  ) as (ReadElement[] | null)[];

/** The elements of a document as read by this project's parser. */
export function readByUs(document: string): ReadElement[] {
  const name = (namespace: string | null, local: string | null): string =>
    namespace === null || namespace === "" ? (local ?? "") : `{${namespace}}${local}`;
  const root = fromXml(document).documentElement as Element;
  return [root, ...Array.from(root.getElementsByTagName("*"))].map((element) => [
    name(element.namespaceURI, element.localName),
    Array.from(element.attributes)
      .filter((a) => !/^xmlns(:|$)/.test(a.name))
      .map((a) => [name(a.namespaceURI, a.localName), a.value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    Array.from(element.childNodes)
      .filter((n) => n.nodeType === Node.TEXT_NODE || n.nodeType === Node.CDATA_SECTION_NODE)
      .map((n) => n.nodeValue ?? "")
      .join(""),
  ]);
}

const SCHEMA = "/usr/share/libvirt/schemas/domain.rng";
export const LACKS_LIBVIRT_SCHEMA = existsSync(SCHEMA)
  ? lacking("libxml2-utils", "xmllint", "--version")
  : "libvirt0, which has the schemas";

/** Whether each document is a domain by libvirt's schema: virt-xml-validate for many at once. */
export function areDomains(documents: readonly string[]): boolean[] {
  const names = documents.map((document, i) => {
    const file = join(DIR, `domain-${i}.xml`);
    writeFileSync(file, document);
    return file;
  });
  const args = ["--noout", "--nonet", "--relaxng", SCHEMA, ...names];
  const { stderr } = spawnSync("xmllint", args, { encoding: "utf8", maxBuffer: 1 << 28 });
  const valid = new Set(stderr.split("\n").map((line) => /^(.*) validates$/.exec(line)?.[1]));
  return names.map((name) => valid.has(name));
}

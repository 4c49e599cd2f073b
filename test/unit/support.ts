// Shared by the unit tests: fixtures, temporary folders, fake programs, XML as plain data.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { Element, Node } from "@xmldom/xmldom";
import { fromXml } from "../../core/xml";

export const ROOT = resolve(__dirname, "..", "..");

/** Real output of a program; the file's name has the version that wrote it. */
export function fixture(name: string): string {
  return readFileSync(join(ROOT, "test", "fixtures", name), "utf8");
}

/** Facts that real guests reported. */
export const FACTS = {
  ready: "facts-v2.debian-12.linux-6.1.0-56.mesa-22.3.6.mir-2.12.1.json",
  noSession: "facts-v2-no-session.debian-12.linux-6.1.0-56.mesa-22.3.6.mir-2.12.1.json",
} as const;

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder for this test file, removed when its process ends: a program may still write after its test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mirlab-unit-"));
  folders.push(folder);
  return folder;
}

/** Shell text for a mount namespace: the test may change /etc, which is a copy in its folder, the first argument. */
export const OWN_ETC = `mount -t tmpfs -o suid,mode=755 tmpfs "$1" && mkdir "$1"/{upper,work}
    mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" overlay /etc`;

/**
 * Fake programs, first on the PATH of this process' children. Each is a bash script that the test
 * sets.
 */
export class FakePrograms {
  readonly folder = temporaryFolder();

  constructor() {
    process.env.PATH = `${this.folder}${delimiter}${process.env.PATH ?? ""}`;
  }

  set(name: string, script: string): void {
    writeFileSync(join(this.folder, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }

  /** Undefined: the machine's own program is used. */
  text(name: string): string | undefined {
    const file = join(this.folder, name);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Puts back what `text` returned. */
  restore(name: string, text: string | undefined): void {
    if (text === undefined) rmSync(join(this.folder, name), { force: true });
    else writeFileSync(join(this.folder, name), text, { mode: 0o755 });
  }
}

/** An element as data: name, attributes without namespace declarations, children in order. */
export interface Plain {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: (Plain | string)[];
}

/** Reads an element; adjacent texts are joined, and blank texts are dropped as layout. */
export function plainOf(element: Element, keepBlanks = false): Plain {
  const children: (Plain | string)[] = [];
  for (const node of Array.from(element.childNodes)) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      children.push(plainOf(node as Element, keepBlanks));
      continue;
    }
    const text = node.nodeValue ?? "";
    const last = children.at(-1);
    if (typeof last === "string") children[children.length - 1] = last + text;
    else if (text !== "") children.push(text);
  }
  return {
    name: element.nodeName,
    attributes: Object.fromEntries(
      Array.from(element.attributes)
        .filter((a) => !a.name.startsWith("xmlns"))
        .map((a) => [a.name, a.value]),
    ),
    children: children.filter((c) => keepBlanks || typeof c !== "string" || c.trim() !== ""),
  };
}

/** The root of a document. */
export function rootOf(xml: string): Element {
  const root = fromXml(xml).documentElement;
  if (root === null) throw new Error("the document is empty");
  return root;
}

/** XSLT for settings that the libvirt provider's schema lacks. Pure. */
import { toXml, Tree } from "./xml";

/** Doubles braces in attributes: in a literal result element XSLT reads `{...}` as XPath. */
function literal(tree: Tree): Tree {
  const [name, attributes = {}, ...children] = tree;
  const escaped = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      key,
      typeof value === "string" ? value.replaceAll("{", "{{").replaceAll("}", "}}") : value,
    ]),
  );
  return [
    name,
    escaped,
    ...children.map((child) => {
      if (child === undefined) return undefined;
      if (typeof child !== "string") return literal(child);
      // XSLT drops blank texts except in xsl:text.
      return child.trim() === "" ? (["xsl:text", {}, child] as const) : child;
    }),
  ];
}

const sheet = (...templates: Tree[]): Tree => ["xsl:stylesheet", { version: "1.0" }, ...templates];

/** A stylesheet that copies its input and appends children to the element at `parent` (an XPath). */
export function xsltAppending(parent: string, ...children: Tree[]): string {
  const copyAll: Tree = ["xsl:apply-templates", { select: "@*|node()" }];
  return toXml(
    sheet(
      ["xsl:template", { match: "@*|node()" }, ["xsl:copy", {}, copyAll]],
      ["xsl:template", { match: parent }, ["xsl:copy", {}, copyAll, ...children.map(literal)]],
    ),
    ["xsl"],
  );
}

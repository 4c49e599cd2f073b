/** XML that this project writes, and foreign definitions that it edits. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  adopt,
  AdoptContract,
  differences,
  ownerOf,
  refusal,
  release,
} from "../../components/domain/adopt/adoption";
import { Verdict } from "../../core/verdict";
import { domainXml, DomainSpec } from "../../components/domain/definition";
import { Evidence } from "../../components/report/evidence";
import { junit } from "../../components/report/junit";
import { fromXml } from "../../core/xml";
import { xsltAppending } from "../../core/xslt";
import { anyDefinition, filledDefinition } from "./definitions";
import { DIR, hostile } from "./hostile";
import {
  areDomains,
  LACKS_LIBVIRT_SCHEMA,
  LACKS_PYTHON,
  readByExpat,
  readByUs,
  ReadElement,
} from "./readers";
import { accepted, each, run, Sink } from "./sink";

const SPEC: DomainSpec = {
  ...{ name: "N", stack: "S", guest: "G", type: "qemu", memoryMiB: 2048, vcpus: 2 },
  ...{ mac: "52:54:00:01:02:03", disk: "D", seed: "E", serialLog: "L" },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, clipboard: false, fileTransfer: false },
  network: { mode: "user", sshPort: 20022 },
  share: { path: "P", tag: "T", readonly: true },
};

const domainOf = (text: string): string =>
  domainXml(
    {
      ...{ ...SPEC, disk: text, seed: text, serialLog: text, guest: text },
      spice: { ...SPEC.spice, tlsFolder: text },
      share: { path: text, tag: text, readonly: true },
    },
    { ticket: text },
  );

/** Placeholder for a hostile text. */
const PLAIN = "/plain";

/** The expected elements with another text: the same ones, with the text in its places. */
function withText(document: readonly ReadElement[], text: string): ReadElement[] {
  const put = (value: string): string => value.replaceAll(PLAIN, () => text);
  return document.map(([name, attributes, inner]) => [
    name,
    attributes.map(([key, value]) => [key, put(value)] as const),
    put(inner),
  ]);
}
const PLAIN_DOMAIN = readByUs(domainOf(PLAIN));

/** One verdict of each outcome, with the text in all of its words. */
function evidenceOf(text: string): Evidence {
  const outcomes: readonly (readonly [Verdict["status"], boolean])[] = [
    ...([
      ["met", true],
      ["unmet", true],
      ["unknown", true],
    ] as const),
    ...([
      ["unmet", false],
      ["skipped", true],
    ] as const),
  ];
  const words = { id: text, found: text, required: text, remedy: text };
  return {
    ...{ stack: text, guest: text, domain: text, ready: false, fault: text },
    ...{ time: "2026-11-25T16:14:28.123Z", acceleration: "tcg", versions: {}, facts: null },
    verdicts: outcomes.map(([status, fatal]) => ({
      ...{ ...words, tier: "graphics", status, fatal, settles: false },
    })),
    ...{ pictures: [], sessionLog: { missing: text, whole: text } },
    serialLog: { missing: text, whole: text },
  };
}
const namesOf = (document: readonly ReadElement[]): (readonly string[])[] =>
  document.map(([name, attributes]) => [name, ...attributes.map(([key]) => key)]);
const PLAIN_JUNIT = namesOf(readByUs(junit(evidenceOf(PLAIN))));

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Whether elements or attributes differ from those for a plain text, or control characters remain. */
function junitEscapes(read: readonly ReadElement[] | null): boolean {
  return (
    read === null ||
    !isDeepStrictEqual(namesOf(read), PLAIN_JUNIT) ||
    read.some(
      ([, attributes, text]) =>
        CONTROL.test(text) || attributes.some(([, value]) => CONTROL.test(value)),
    )
  );
}

const CONTRACT: AdoptContract = {
  ...{ stack: "dev", guest: "mir", shareTag: "share", ticket: "T" },
  spice: { port: 22001, clipboard: false, fileTransfer: false },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  share: { path: "/srv/mir", readonly: false },
};

/** The messages that refuse a definition. */
const REFUSALS =
  /^(malformed XML|XML with a document type is refused|domain definition: found (<.*>; need <domain>|no <devices>; need it)$)/;

/** The edited definition; undefined if one of the known messages refuses it. */
function adopted(original: string): string | undefined {
  try {
    return refusal(original, CONTRACT) === undefined
      ? adopt(original, CONTRACT, original)
      : undefined;
  } catch (error) {
    if (REFUSALS.test((error as Error).message)) return undefined;
    throw error;
  }
}

/**
 * Whether adoption throws an unknown error, is incomplete, or does not restore the original
 * exactly.
 */
function adoptionEscapes(original: string): boolean {
  let edited: string | undefined;
  try {
    edited = adopted(original);
    if (edited === undefined) return false;
    return !(
      differences(edited, CONTRACT, original).length === 0 &&
      isDeepStrictEqual(ownerOf(edited), { stack: "dev", guest: "mir", adopted: true }) &&
      adopt(edited, CONTRACT, original) === edited &&
      release(edited, original, CONTRACT.shareTag) === original
    );
  } catch {
    return true;
  }
}
const ADOPTION =
  "an unknown error, hardware or a mark that differs from the contract, or a changed restored definition";

export const XML_SINKS: readonly Sink[] = [
  {
    id: "domainXml, read by our parser",
    escape: "another set of elements or attributes, or a changed value",
    batch: 50,
    input: hostile,
    takes: (text) => accepted(() => domainOf(text)) !== undefined,
    escaped: each((text) => {
      const xml = accepted(() => domainOf(text));
      return xml !== undefined && !isDeepStrictEqual(readByUs(xml), withText(PLAIN_DOMAIN, text));
    }),
  },
  {
    id: "domainXml, read by expat",
    escape: "another set of elements or attributes, or a changed value",
    batch: 100,
    input: hostile,
    lacks: LACKS_PYTHON,
    escaped(cases) {
      const fit = cases.filter((text) => accepted(() => domainOf(text)) !== undefined);
      const read = readByExpat(fit.map(domainOf));
      return fit.filter((text, i) => !isDeepStrictEqual(read[i], withText(PLAIN_DOMAIN, text)));
    },
  },
  {
    id: "domainXml with any path, validated by libvirt's schema",
    escape: "a definition that libvirt's own schema refuses",
    batch: 250,
    // The schema accepts no line ends in paths.
    input: hostile.map((text) => `/a${text.replaceAll(/[\n\r]/g, "")}`),
    lacks: LACKS_LIBVIRT_SCHEMA,
    takes: (text) => accepted(() => domainOf(text)) !== undefined,
    escaped(cases) {
      const fit = cases.filter((text) => accepted(() => domainOf(text)) !== undefined);
      const valid = areDomains(fit.map(domainOf));
      return fit.filter((_, i) => !valid[i]);
    },
  },
  {
    id: "xsltAppending, run by xsltproc (libxml2)",
    escape: "another element, or a changed value",
    batch: 100,
    input: hostile,
    escaped(cases) {
      const fit = cases.filter(
        (text) => accepted(() => xsltAppending("/a", ["b", { c: text }, text])) !== undefined,
      );
      const sheet = join(DIR, "sheet.xsl");
      const children = fit.map((text) => ["b", { c: text }, ["d", {}, text]] as const);
      writeFileSync(sheet, xsltAppending("/a", ...children));
      const root = fromXml(run("xsltproc", ["--nonet", sheet, "-"], "<a/>")).documentElement;
      const found = Array.from(root?.childNodes ?? []);
      return fit.filter((text, i) => {
        const node = found[i] as NonNullable<ReturnType<typeof fromXml>["documentElement"]>;
        const sole = node.childNodes.length === 1 && node.firstChild?.nodeName === "d";
        return (
          found.length !== fit.length ||
          !sole ||
          node.getAttribute("c") !== text ||
          node.textContent !== text
        );
      });
    },
  },
  {
    id: "junit, read by our parser",
    escape: "another set of elements or attributes, or a control character",
    batch: 50,
    input: hostile,
    escaped: each((text) =>
      junitEscapes(accepted(() => readByUs(junit(evidenceOf(text)))) ?? null),
    ),
  },
  {
    id: "junit, read by expat",
    escape: "another set of elements or attributes, or a control character",
    batch: 50,
    input: hostile,
    lacks: LACKS_PYTHON,
    escaped(cases) {
      const read = readByExpat(cases.map((text) => junit(evidenceOf(text))));
      return cases.filter((_, i) => junitEscapes(read[i] ?? null));
    },
  },
  {
    id: "adopt, with a definition that contains any text",
    escape: ADOPTION,
    batch: 50,
    input: filledDefinition,
    takes: (original) => accepted(() => adopted(original)) !== undefined,
    escaped: each(adoptionEscapes),
  },
  {
    id: "adopt, with an almost valid definition",
    escape: ADOPTION,
    batch: 50,
    input: anyDefinition,
    escaped: each(adoptionEscapes),
  },
  {
    id: "adopt, read by expat",
    escape: "another document than we read",
    batch: 50,
    input: filledDefinition,
    lacks: LACKS_PYTHON,
    escaped(cases) {
      const before = readByExpat(cases);
      // Skip what expat refuses: a `}` in a namespace.
      const fit = cases.filter(
        (original, i) => before[i] !== null && accepted(() => adopted(original)) !== undefined,
      );
      const edited = fit.map((original) => adopted(original) ?? "");
      const read = readByExpat(edited);
      return fit.filter((_, i) => !isDeepStrictEqual(read[i], readByUs(edited[i] ?? "")));
    },
  },
];

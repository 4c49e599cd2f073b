/** Reads the configuration: reports all faults at once, and fills in defaults. Pure. */
import { parse } from "yaml";
import { z } from "zod";
import { BuildCache } from "./buildSchema";
import { GuestConfig, guestSchema, Lab, labSchema, outerSchema } from "./schema";
import { nearest } from "./nearest";
import { softwareFaults } from "./softwareRules";
import { shortened, visible } from "../core/plainText";
import { isLoopback } from "./screen";
import { chosenOptions, LOMIRI_MEMORY_MIB } from "./session";
import { SUITES, suitesWith } from "./suites";
import { MOST_OUTPUTS, QXL_SIZES } from "./video";

/** One fault of the configuration: its place and its reason. */
export interface ConfigFault {
  /** e.g. `guests[0].memoryMiB` */
  readonly path: string;
  readonly reason: string;
}

export type LabResult =
  | { readonly lab: Lab; readonly faults: readonly [] }
  | { readonly lab: undefined; readonly faults: readonly ConfigFault[] };

/** Longest text of a fault, characters: keys and values may have any length. */
const FAULT_CHARS = 400;

/** Keys and values in a fault, on one line and safe for a terminal. */
const shownText = (text: string): string => shortened(visible(text), FAULT_CHARS);

/** Validates the raw values of the configuration keys (`host`, `guests`, and any unknown ones). */
export function readLab(raw: Record<string, unknown>): LabResult {
  const outer = outerSchema.safeParse(raw);
  // Each guest by itself: faults of one do not hide faults of another, or between them.
  const guests = (Array.isArray(raw.guests) ? raw.guests : []).map((guest) =>
    guestSchema.safeParse(guest),
  );
  const around = outer.error?.issues ?? [];
  const issues = [
    ...around.filter(({ code }) => code !== "unrecognized_keys"),
    ...guests.flatMap(({ error }, i) =>
      (error?.issues ?? []).map((issue) => ({ ...issue, path: ["guests", i, ...issue.path] })),
    ),
    ...around.filter(({ code }) => code === "unrecognized_keys"),
  ];
  const readable = guests.map(({ data }) => data);
  const faults = [
    ...issues.flatMap((issue) => toFaults(issue, raw)),
    ...crossFaults(readable),
    ...(outer.data === undefined ? [] : helperFaults(outer.data.host.buildCache)),
  ];
  if (outer.success && faults.length === 0) {
    const all = readable.filter((guest) => guest !== undefined);
    return { lab: { host: outer.data.host, guests: all }, faults: [] };
  }
  return {
    lab: undefined,
    faults: faults.map(({ path, reason }) => ({
      path: shownText(path),
      reason: shownText(reason),
    })),
  };
}

/**
 * The same for values in the engine's form: structured values are JSON, which YAML reads too; plain
 * words stay words.
 */
export function readLabTexts(texts: Readonly<Record<string, string>>): LabResult {
  const faults: ConfigFault[] = [];
  const values = Object.entries(texts).map(([key, text]) => {
    try {
      // Print no warnings: they concern YAML features that no key uses.
      return [key, parse(text, { logLevel: "error" }) as unknown];
    } catch (error) {
      const [line = ""] = (error as Error).message.split("\n");
      const reason = `found invalid YAML (${line.replace(/:$/, "")}); need YAML or JSON`;
      faults.push({ path: shownText(key), reason: shownText(reason) });
      return [key, undefined];
    }
  });
  // Do not report an unreadable key a second time as missing.
  return faults.length > 0
    ? { lab: undefined, faults }
    : readLab(Object.fromEntries(values) as Record<string, unknown>);
}

/** `["guests", 0, "name"]` -> `guests[0].name`. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

type Issue = z.core.$ZodIssue;

function toFaults(issue: Issue, raw: unknown): ConfigFault[] {
  const path = pathText(issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path, raw);
    return issue.keys.map((key) => {
      const guess = nearest(key, known);
      const hint =
        guess === undefined ? `known keys: ${known.join(", ")}` : `did you mean '${guess}'?`;
      return { path: pathText([...issue.path, key]), reason: `unknown key; ${hint}` };
    });
  }
  if (issue.code === "invalid_union") {
    return [
      {
        path: path.endsWith("source") ? path : `${path}.source`,
        reason: "need one of 'debian', 'ubuntu', 'url', 'iso', 'existing'",
      },
    ];
  }
  const value = issue.path.reduce<unknown>(
    (at, part) => (at as Record<PropertyKey, unknown> | undefined)?.[part],
    raw,
  );
  if (value === undefined && issue.code === "invalid_type") {
    return [{ path, reason: `missing; ${describeAt(issue.path, raw) ?? "set it"}` }];
  }
  const reason = reasonOf(issue.message, value);
  return [{ path, reason: `${reason}${guessed(issue, value)}` }];
}

/** The known word that is nearest to an unknown one, as a hint. */
function guessed(issue: Issue, value: unknown): string {
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const guess = nearest(value, issue.values.map(String));
  return guess === undefined ? "" : `; did you mean '${guess}'?`;
}

/** zod's names of types, in words. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ int: "a whole number", number: "a number", boolean: "true or false", string: "a text" },
  ...{ array: "a list", object: "an object" },
};

/** A rule (`use X`, or zod's `expected X`) becomes the need; another message is a whole sentence. */
function reasonOf(message: string, value: unknown): string {
  const rule = /^(?:\w+ \w+: )?(?:use|expected) (.*?)(?:, received \w+)?$/s.exec(message)?.[1];
  if (rule !== undefined) {
    const need = rule
      .replace(/^[a-z]+\b/, (type) => TYPES[type] ?? type)
      .replace(" to be ", " ")
      .replace(" to have ", " with ");
    return `found ${shownValue(value)}; need ${need}`;
  }
  const sentence = message.replace("; ", "; fix: ");
  return sentence.startsWith("'") ? sentence : `found ${shownValue(value)}: ${sentence}`;
}

/** The wrong value, short; never the content of an object, which may be a secret. */
function shownValue(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= 60 ? JSON.stringify(value) : `a text of ${value.length} characters`;
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** The schema node at a path, without its wrappers (default, optional). */
function schemaAt(path: readonly PropertyKey[], raw: unknown): z.core.$ZodType | undefined {
  let node: z.core.$ZodType | undefined = labSchema;
  let value: unknown = raw;
  for (const part of [...path, undefined]) {
    node = unwrap(node, value);
    if (part === undefined || node === undefined) return node;
    value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
    if (node instanceof z.ZodArray) node = node.element;
    else if (node instanceof z.ZodObject)
      node = node.shape[String(part)] as z.core.$ZodType | undefined;
    else return undefined;
  }
  return node;
}

function unwrap(start: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  let node = start;
  while (
    node instanceof z.ZodDefault ||
    node instanceof z.ZodPrefault ||
    node instanceof z.ZodOptional
  ) {
    node = node.unwrap();
  }
  if (!(node instanceof z.ZodDiscriminatedUnion)) return node;
  const source = (value as { source?: unknown } | undefined)?.source;
  return node.options.find(
    (o) =>
      o instanceof z.ZodObject &&
      o.shape.source instanceof z.ZodLiteral &&
      o.shape.source.value === source,
  );
}

function knownKeys(path: readonly PropertyKey[], raw: unknown): string[] {
  const node = schemaAt(path, raw);
  return node instanceof z.ZodObject ? Object.keys(node.shape) : [];
}

function describeAt(path: readonly PropertyKey[], raw: unknown): string | undefined {
  const node = schemaAt(path, raw);
  return node instanceof z.ZodType ? node.description : undefined;
}

/** Kinds that take each key of a session. */
const KINDS_OF = {
  command: ["demo", "command"],
  client: ["demo", "miriway", "command"],
  console: ["demo", "miriway", "command"],
  platform: ["demo", "miriway"],
  rendering: ["demo", "miriway"],
  cursor: ["demo", "miriway"],
} as const;

/** Keys of another kind of session, and too little memory for this one. */
function sessionFaults(guest: GuestConfig, at: string): ConfigFault[] {
  const { kind, command, client, console } = guest.session;
  const faults: ConfigFault[] = [];
  const add = (key: string, reason: string): void =>
    void faults.push({ path: `${at}.${key}`, reason });
  const options = Object.keys(chosenOptions(guest.session)) as (keyof typeof KINDS_OF)[];
  const given = Object.entries({ command, client, console })
    .filter(([, value]) => value !== undefined)
    .map(([key]) => key as keyof typeof KINDS_OF);
  for (const key of [...given, ...options]) {
    const kinds: readonly string[] = KINDS_OF[key];
    if (!kinds.includes(kind)) {
      const need = `need kind ${kinds.map((word) => `'${word}'`).join(" or ")}`;
      add(
        `session.${key}`,
        `found the key with session.kind '${kind}'; ${need}; fix: remove the key, or change session.kind`,
      );
    } else if (command !== undefined && options.includes(key)) {
      add(
        `session.${key}`,
        "found the key beside session.command; need one of them; fix: give the command Mir's option",
      );
    }
  }
  if (kind === "command" && command === undefined)
    add("session.command", "missing; session.kind 'command' needs it");
  faults.push(...suiteFaults(guest, at));
  // An adopted domain keeps its own memory: the key does not apply to it.
  const least = kind === "lomiri" ? LOMIRI_MEMORY_MIB : 0;
  if (guest.image.source !== "existing" && guest.memoryMiB < least)
    add("memoryMiB", `found ${guest.memoryMiB}; need at least ${least} for session.kind '${kind}'`);
  return faults;
}

/** What the guest's suite does not have, and the suites that have it. */
function suiteFaults({ image, session }: GuestConfig, at: string): ConfigFault[] {
  if (!("suite" in image)) return [];
  const { kind, platform, rendering } = session;
  const wanted = [
    ["kind", "sessions", kind === "command" ? "demo" : kind, "demo"],
    ["platform", "platforms", platform, "auto"],
    ["rendering", "renderers", rendering, "auto"],
  ] as const;
  return wanted.flatMap(([key, feature, word, everywhere]) => {
    const suites = suitesWith(feature, word);
    if (word === everywhere || suites.includes(image.suite)) return [];
    const reason = `found '${word}' with image.suite '${image.suite}'; need a suite with it: ${suites.join(", ")}`;
    return [{ path: `${at}.session.${key}`, reason }];
  });
}

/** A screen that others could reach without TLS, and TLS for a guest that does not support it. */
function screenFaults({ spice, image }: GuestConfig, at: string): ConfigFault[] {
  if (!spice.tls) {
    if (isLoopback(spice.listen)) return [];
    const reason = `found "${spice.listen}" without spice.tls; need loopback or TLS; fix: set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`;
    return [{ path: `${at}.spice.listen`, reason }];
  }
  if (image.source !== "existing") return [];
  const reason = `found true for an adopted guest; need a guest that the lab creates; fix: remove the key`;
  return [{ path: `${at}.spice.tls`, reason }];
}

/** The owner's own setting of an adopted domain is not the lab's. */
function autostartFaults({ autostart, image }: GuestConfig, at: string): ConfigFault[] {
  if (!autostart || image.source !== "existing") return [];
  const reason = `found true for an adopted guest; need a guest that the lab creates; fix: remove the key, and set it by 'virsh autostart ${image.domain}'`;
  return [{ path: `${at}.autostart`, reason }];
}

/** A closed network for a guest that does not support it. */
function outboundFaults({ network, image }: GuestConfig, at: string): ConfigFault[] {
  if (network.outbound) return [];
  const path = `${at}.network.outbound`;
  if (network.mode !== "user" || image.source === "existing")
    return [
      {
        path,
        reason:
          "found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      },
    ];
  if ("suite" in image) return [];
  const reason = `found false with image.source '${image.source}'; need the network for the packages of the first boot; fix: use image.source 'debian', or remove the key`;
  return [{ path, reason }];
}

/** An installer without a place to get it from, or with two, and a disk that the guest's cannot stand on. */
function installerFaults({ image, diskGiB }: GuestConfig, at: string): ConfigFault[] {
  if (image.source !== "iso") return [];
  const { url, file, sizeGiB } = image;
  const faults: ConfigFault[] = [];
  if ((url === undefined) === (file === undefined)) {
    const found = url === undefined ? "neither" : "both";
    faults.push({
      path: `${at}.image.url`,
      reason: `found ${found} of url and file; need one of them`,
    });
  }
  if (sizeGiB > diskGiB) {
    const reason = `found ${sizeGiB}; need at most guests[].diskGiB (${diskGiB})`;
    faults.push({ path: `${at}.image.sizeGiB`, reason });
  }
  return faults;
}

/** Helpers for a disabled compile, and a helper that is listed twice. */
function helperFaults({ warm, distcc }: BuildCache): ConfigFault[] {
  const path = "host.buildCache.distcc";
  const faults: ConfigFault[] = [];
  const claim = claims(faults);
  distcc.forEach(({ port }, i) => claim(`port ${port}`, `${path}[${i}].port`));
  if (warm === "never" && distcc.length > 0) {
    const reason =
      "found helpers with warm 'never'; need a compile on the host; fix: set warm to 'auto', or remove distcc";
    faults.push({ path, reason });
  }
  return faults;
}

/** Adds a fault when two keys claim the same port, name or domain. */
function claims(faults: ConfigFault[]): (what: string, path: string) => void {
  const taken = new Map<string, string>();
  return (what, path) => {
    const first = taken.get(what);
    if (first === undefined) taken.set(what, path);
    else faults.push({ path, reason: `found ${what}, which ${first} has too; need another one` });
  };
}

/** A Mesa that is compiled with the libraries of another suite than the guest's. */
function mesaFaults({ image, mesa }: GuestConfig, at: string): ConfigFault[] {
  if (mesa.source !== "build" || !("suite" in image)) return [];
  const suite = mesa.build?.suite ?? image.suite;
  if (SUITES[image.suite].distribution !== "debian") {
    const reason = `found 'build' with image.source 'ubuntu'; need 'debian': Mesa is compiled with a Debian suite's libraries; fix: use mesa.source 'package'`;
    return [{ path: `${at}.mesa.source`, reason }];
  }
  if (suite === image.suite) return [];
  const reason = `found '${suite}' with image.suite '${image.suite}'; need '${image.suite}': Mesa uses the guest's libraries; fix: remove the key`;
  return [{ path: `${at}.mesa.build.suite`, reason }];
}

/** Sizes of another model than QXL, and a frame buffer that has no room. */
function sizeFaults({ model, ...sizes }: GuestConfig["video"]): [string, string][] {
  if (model === "qxl") {
    if (sizes.vgamemKiB <= sizes.ramKiB) return [];
    const need = `need at most video.ramKiB (${sizes.ramKiB})`;
    return [["vgamemKiB", `found ${sizes.vgamemKiB}; ${need}`]];
  }
  const keys = ["ramKiB", "vramKiB", "vgamemKiB"] as const;
  return keys.flatMap((key): [string, string][] =>
    sizes[key] === QXL_SIZES[key]
      ? []
      : [[key, `found the key with video.model '${model}'; need model 'qxl'; fix: remove the key`]],
  );
}

/** Outputs that the model or the session does not have. */
function outputFaults({ video, session }: GuestConfig): [string, string][] {
  const { model, outputs } = video;
  const most = MOST_OUTPUTS[model];
  if (outputs.length > 0 && session.kind === "lomiri") {
    const need = "need another kind: Lomiri has a layout of its own";
    return [["outputs", `found the key with session.kind 'lomiri'; ${need}; fix: remove the key`]];
  }
  if (outputs.length > 0 && session.platform === "virtual") {
    const need = "need a platform with a screen: a virtual output is none of the card's";
    return [
      ["outputs", `found the key with session.platform 'virtual'; ${need}; fix: remove the key`],
    ];
  }
  if (outputs.length <= most) return [];
  const why =
    model === "qxl"
      ? "QEMU makes a picture of a QXL card's first output alone"
      : "the card has one output";
  return [
    [
      "outputs",
      `found ${outputs.length} with video.model '${model}'; need at most ${most}: ${why}; fix: set video.model to 'virtio'`,
    ],
  ];
}

/** Rules that span several keys. */
function crossFaults(guests: readonly (GuestConfig | undefined)[]): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (path: string, reason: string): void => void faults.push({ path, reason });
  const claim = claims(faults);
  guests.forEach((guest, i) => {
    const at = `guests[${i}]`;
    if (guest === undefined) return;
    claim(`guest name '${guest.name}'`, `${at}.name`);
    if (guest.spice.port !== undefined) claim(`port ${guest.spice.port}`, `${at}.spice.port`);
    if (guest.network.sshPort !== undefined)
      claim(`port ${guest.network.sshPort}`, `${at}.network.sshPort`);
    if (guest.image.source === "existing")
      claim(`domain '${guest.image.domain}'`, `${at}.image.domain`);
    faults.push(
      ...[...sessionFaults(guest, at), ...screenFaults(guest, at)],
      ...[...outboundFaults(guest, at), ...autostartFaults(guest, at), ...mesaFaults(guest, at)],
      ...installerFaults(guest, at),
    );
    for (const software of ["kernel", "mesa"] as const) {
      for (const [path, reason] of softwareFaults(guest[software]))
        add(`${at}.${software}.${path}`, reason);
      if (guest.image.source === "existing" && guest[software].source !== "distro") {
        add(
          `${at}.${software}.source`,
          `found '${guest[software].source}' for an adopted guest; need 'distro': the lab does not manage its ${software}`,
        );
      }
    }
    for (const [key, reason] of [...sizeFaults(guest.video), ...outputFaults(guest)])
      add(`${at}.video.${key}`, reason);
  });
  return faults;
}

/** Reads the lab from configuration: all faults at once, defaults filled in. Pure. */
import { parse } from "yaml";
import { z } from "zod";
import { BuildCache } from "./buildSchema";
import { GuestConfig, Lab, labSchema } from "./schema";
import { nearest } from "./nearest";
import { softwareFaults } from "./softwareRules";
import { shortened, visible } from "../core/plainText";
import { isLoopback } from "./screen";
import { LOMIRI_MEMORY_MIB } from "./session";

/** One fault of the configuration: where, and what to do. */
export interface ConfigFault {
  /** e.g. `guests[0].memoryMiB` */
  readonly path: string;
  readonly reason: string;
}

export type LabResult =
  | { readonly lab: Lab; readonly faults: readonly [] }
  | { readonly lab: undefined; readonly faults: readonly ConfigFault[] };

/** Longest text of a fault, characters: a key or a value may be of any length. */
const FAULT_CHARS = 400;

/** Keys and values are told as they are, whoever wrote them: on one line, and fit for a terminal. */
const told = (text: string): string => shortened(visible(text), FAULT_CHARS);

/** Validates the raw values of the configuration keys (`host`, `guests`, and any unknown ones). */
export function readLab(raw: Record<string, unknown>): LabResult {
  const parsed = labSchema.safeParse(raw);
  const own = parsed.success ? [] : parsed.error.issues.flatMap((i) => toFaults(i, raw));
  const host = labSchema.shape.host.safeParse(raw.host).data;
  const faults = [
    ...[...own, ...crossFaults(readableGuests(raw))],
    ...(host === undefined ? [] : helperFaults(host.buildCache)),
  ];
  return parsed.success && faults.length === 0
    ? { lab: parsed.data, faults: [] }
    : {
        lab: undefined,
        faults: faults.map(({ path, reason }) => ({ path: told(path), reason: told(reason) })),
      };
}

/**
 * The same, of values as the engine hands them over: structured ones as JSON, which YAML reads too,
 * and plain words, which stay words.
 */
export function readLabTexts(texts: Readonly<Record<string, string>>): LabResult {
  const faults: ConfigFault[] = [];
  const values = Object.entries(texts).map(([key, text]) => {
    try {
      // Without warnings on the terminal: what YAML warns of is no value of ours.
      return [key, parse(text, { logLevel: "error" }) as unknown];
    } catch (error) {
      const [line = ""] = (error as Error).message.split("\n");
      faults.push({ path: told(key), reason: told(`use YAML or JSON, found ${line}`) });
      return [key, undefined];
    }
  });
  // What could not be read would be told a second time, as missing.
  return faults.length > 0
    ? { lab: undefined, faults }
    : readLab(Object.fromEntries(values) as Record<string, unknown>);
}

/** The guests that can be read by themselves; one with faults of its own is undefined. */
function readableGuests(raw: Record<string, unknown>): (GuestConfig | undefined)[] {
  const guests = Array.isArray(raw.guests) ? raw.guests : [];
  return guests.map((guest) => labSchema.shape.guests.element.safeParse(guest).data);
}

/** `["guests", 0, "name"]` as a person writes it: `guests[0].name`. */
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
        reason: "use one of 'debian', 'url', 'existing'",
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
  return [{ path, reason: `${issue.message.replace(/^Invalid input: /, "")}${got(value)}` }];
}

/** The offending value, short, never an object's insides: those may hold a secret. */
function got(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return `, got ${value}`;
  if (typeof value === "string" && value.length <= 60) return `, got ${JSON.stringify(value)}`;
  if (Array.isArray(value)) return ", got a list";
  return "";
}

/** The schema node at a path, with wrappers (default, optional) taken off. */
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

/** Keys of another kind of session, and a guest too small for this one. */
function sessionFaults(guest: GuestConfig, at: string): ConfigFault[] {
  const { kind, command, client } = guest.session;
  if (kind === "demo") return [];
  const foreign = Object.entries({ command, client }).filter(([, value]) => value !== undefined);
  const faults = foreign.map(([key]) => ({
    path: `${at}.session.${key}`,
    reason: `belongs to session.kind 'demo', got kind '${kind}'; remove one of the two`,
  }));
  // An adopted domain keeps its own memory: the key does not apply to it.
  if (guest.image.source !== "existing" && guest.memoryMiB < LOMIRI_MEMORY_MIB) {
    faults.push({
      path: `${at}.memoryMiB`,
      reason: `session.kind '${kind}' needs at least ${LOMIRI_MEMORY_MIB}, got ${guest.memoryMiB}`,
    });
  }
  return faults;
}

/** A screen that others could reach in clear text, and TLS where it cannot be had. */
function screenFaults({ spice, image }: GuestConfig, at: string): ConfigFault[] {
  if (!spice.tls) {
    if (isLoopback(spice.listen)) return [];
    const reason = `must be loopback without spice.tls, got "${spice.listen}"; set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`;
    return [{ path: `${at}.spice.listen`, reason }];
  }
  if (image.source !== "existing") return [];
  const reason = `is for guests that the lab makes, got image.source 'existing'; remove one of the two`;
  return [{ path: `${at}.spice.tls`, reason }];
}

/** What a guest cannot do without a way out, or does not have. */
function outboundFaults({ network, image }: GuestConfig, at: string): ConfigFault[] {
  if (network.outbound) return [];
  const path = `${at}.network.outbound`;
  if (network.mode !== "user" || image.source === "existing")
    return [{ path, reason: "false is for network.mode 'user' of guests that the lab makes" }];
  if (image.source !== "url") return [];
  const reason =
    "false leaves an image.source 'url' without the packages of its first boot; use 'debian', or remove it";
  return [{ path, reason }];
}

/** Helpers of a compile that is not made, and one that is named twice. */
function helperFaults({ warm, distcc }: BuildCache): ConfigFault[] {
  const path = "host.buildCache.distcc";
  const faults: ConfigFault[] = [];
  const claim = claims(faults);
  distcc.forEach(({ port }, i) => claim(`port ${port}`, `${path}[${i}].port`));
  if (warm === "never" && distcc.length > 0) {
    const reason =
      "helps the host compile, which warm 'never' forbids; set warm to 'auto', or remove distcc";
    faults.push({ path, reason });
  }
  return faults;
}

/** Adds a fault where a thing of which there is one is claimed a second time. */
function claims(faults: ConfigFault[]): (what: string, path: string) => void {
  const taken = new Map<string, string>();
  return (what, path) => {
    const first = taken.get(what);
    if (first === undefined) taken.set(what, path);
    else faults.push({ path, reason: `${what} is already taken by ${first}` });
  };
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
      ...[...sessionFaults(guest, at), ...screenFaults(guest, at), ...outboundFaults(guest, at)],
    );
    for (const software of ["kernel", "mesa"] as const) {
      for (const [path, reason] of softwareFaults(guest[software]))
        add(`${at}.${software}.${path}`, reason);
      if (guest.image.source === "existing" && guest[software].source !== "distro") {
        add(
          `${at}.${software}.source`,
          `an adopted guest's ${software} is its owner's; use 'distro'`,
        );
      }
    }
    const vgaLimit = guest.video.ramKiB;
    if (guest.video.vgamemKiB > vgaLimit) {
      add(
        `${at}.video.vgamemKiB`,
        `must not exceed video.ramKiB (${vgaLimit}), got ${guest.video.vgamemKiB}`,
      );
    }
  });
  return faults;
}

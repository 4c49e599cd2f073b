/** Shared by the compared tools: domains with the same definition. */
import { XMLSerializer } from "@xmldom/xmldom";
import { observeDomain } from "../../../components/domain/observation.io";
import { run, RunResult } from "../../../core/exec.io";
import { ensureTicket } from "../../../components/access/ticket.io";
import { observedFacts } from "../../../components/domain/observation";
import { DomainSpec, domainXml } from "../../../components/domain/definition";
import { firstAt, fromXml, toXml } from "../../../core/xml";
import { Snapshot, Shown } from "./verdict";

/** The changes that a preview shows, by domain; or why the preview failed. */
export type Preview = { readonly fault: string } | { readonly shown: ReadonlyMap<string, Shown> };

/** A tool, with the domains that it has created. */
export interface Side {
  /** Column of the table. */
  readonly title: string;
  readonly version: string;
  /** The command that a person types. */
  readonly command: string;
  readonly domains: readonly string[];
  /** Creates the domains. */
  init(): Promise<void>;
  preview(): Promise<Preview>;
  /** Runs the preview as a person does, for its time. Throws when it fails. */
  quiet(): Promise<void>;
  /** Brings the domains to what is declared, without asking. */
  apply(): Promise<RunResult>;
}

/** A domain in the list of `values.json`, which the programs read. */
export interface Values {
  readonly spec: DomainSpec;
  readonly directory: string;
  /** Adds the parts for which the provider's domain has no attribute. */
  readonly xslt: string;
}

/** A stylesheet that replaces any input by the definition. */
function answering(definition: string): string {
  const sheet = fromXml(
    toXml(["xsl:stylesheet", { version: "1.0" }, ["xsl:template", { match: "/" }]], ["xsl"]),
  );
  const { documentElement } = fromXml(definition);
  const root = sheet.documentElement;
  const template = root === null ? undefined : firstAt(root, "xsl:template");
  if (documentElement === null || template === undefined) throw new Error("no definition");
  template.appendChild(sheet.importNode(documentElement, true));
  return new XMLSerializer().serializeToString(sheet);
}

/** `directory` holds the domain's ticket, which is created if missing: all sides have one. */
export async function valuesOf(spec: DomainSpec, directory: string): Promise<Values> {
  const ticket = await ensureTicket(directory);
  return { spec, directory, xslt: answering(domainXml(spec, { ticket })) };
}

const LIMIT_MS = 600_000;

/** Runs a command of a side to its end. */
export const command = (
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RunResult> => run(argv, { env, timeoutMs: LIMIT_MS });

/** The line of a failed run that has the error. */
export function reasonOf({ stdout, stderr }: RunResult): string {
  const lines = `${stdout.toString()}\n${stderr}`.split("\n").map((line) => line.trim());
  const found =
    lines.find((line) => line.includes("panic:")) ??
    lines.find((line) => /\berror\b.*:/i.test(line)) ??
    lines.find((line) => line !== "");
  return (found ?? "no message").replace(/^[^A-Za-z]+/, "").slice(0, 100);
}

/** The domain as libvirt has it now; undefined if there is none. */
export async function snapshot(
  domain: string,
  ticket: string | undefined,
): Promise<Snapshot | undefined> {
  const seen = await observeDomain(undefined, domain, ticket);
  if (seen === undefined) return undefined;
  const { uuid, state, persistent: defined } = seen;
  return { uuid, state, defined, ...observedFacts(seen) };
}

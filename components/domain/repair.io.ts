/** Brings a domain to what is declared: its definition first, then the running one. */
import { createHash } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { XMLSerializer } from "@xmldom/xmldom";
import { definitionDrift, deviceOf, DriftItem, notHeld } from "./drift";
import { deviceElement } from "./facts";
import { DomainObservation, observedFacts } from "./observation";
import { Baseline, declaredFacts, liveLacks } from "./baseline";
import { domainXml } from "./definition";
import { accelerationOf, LIMITS_S } from "../../core/limits";
import { virsh } from "../../core/virsh.io";
import type { DomainContractInputs } from "./contract";
import { define } from "./definition.io";
import { observeDomain } from "./observation.io";
import { shutDown } from "./power.io";
import { runOnHost } from "../../core/link.io";
import { waitFor } from "../../core/wait";

/** With the ticket of the guest's screen, which is kept in no state. */
type HealInputs = DomainContractInputs & { readonly ticket: string };

interface Healed {
  readonly seen: DomainObservation;
  /** How often the domain was started or went on after a pause: 0 or 1. */
  readonly started: number;
  /** `power cycle` while the running domain has not the declared hardware. */
  readonly pending: string;
}

/** Tells the caller what is there by now, so that a failure after it keeps that in the state. */
type Tell = (seen: DomainObservation) => void;

async function look(inputs: HealInputs, tell: Tell): Promise<DomainObservation> {
  const seen = await observeDomain(inputs.host, inputs.spec.name, inputs.ticket);
  if (seen === undefined)
    throw new Error(
      `${inputs.spec.name}: found it gone while it was set up, required it; something else removes ` +
        `domains on this host: run 'up' again when it has ended`,
    );
  tell(seen);
  return seen;
}

/**
 * Keeps a definition that is about to be overwritten: somebody may have meant it. Its ticket is not
 * kept, for the file outlives the guest.
 */
async function keepDefinition(inputs: HealInputs, found: string): Promise<void> {
  const { directory, spec, ticket } = inputs;
  const xml = found.replaceAll(ticket, "");
  const hash = createHash("sha256").update(xml).digest("hex").slice(0, 8);
  const file = join(directory, `definition-${hash}.xml`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.partial`, xml, { mode: 0o600, flush: true });
  await rename(`${file}.partial`, file);
  console.log(`${spec.name}: its definition as it was found is kept in ${file}`);
}

/** Sets the definition and what libvirt keeps beside it, and looks whether libvirt kept it all. */
async function setDefinition(
  inputs: HealInputs,
  seen: DomainObservation | undefined,
  baseline: Baseline | undefined,
  tell: Tell,
): Promise<DomainObservation> {
  const { host, spec, ticket } = inputs;
  const declared = declaredFacts(spec);
  if (seen !== undefined && baseline !== undefined) {
    const edited = definitionDrift({ persistent: baseline.persistent }, observedFacts(seen));
    const same = notHeld(declared, observedFacts(seen).persistent).length === 0;
    if (same && edited.length === 0 && seen.persistent && seen.name === spec.name) return seen;
    if (edited.length > 0) await keepDefinition(inputs, seen.inactiveXml);
  }
  if (seen !== undefined && seen.name !== spec.name) {
    // libvirt renames only what is off.
    if (seen.state !== "shut off") await endCleanly(inputs, seen);
    await virsh(host, "domrename", "--domain", seen.uuid, "--new-name", spec.name);
  }
  await define(host, spec.name, domainXml(spec, { uuid: seen?.uuid, ticket }), "--validate");
  if (seen?.autostart === true) await virsh(host, "autostart", "--domain", spec.name, "--disable");
  const now = await look(inputs, tell);
  const lost = notHeld(declared, { ...observedFacts(now).persistent, "managed save": "no" });
  if (lost.length > 0) {
    throw new Error(
      `${spec.name}: found after the define ${lost.join("; ")}; required as declared; ` +
        `this libvirt (${now.version}) does not keep it, or something else changes the domain`,
    );
  }
  return now;
}

async function endCleanly(inputs: HealInputs, seen: DomainObservation): Promise<void> {
  const { host, spec } = inputs;
  await shutDown({ host, domain: seen.uuid, acceleration: accelerationOf(spec.type) });
}

/** Changes the running domain in one field. A field that libvirt refuses is left for a power cycle. */
async function healLive(
  inputs: HealInputs,
  item: DriftItem,
  seen: DomainObservation,
): Promise<void> {
  const { host, spec } = inputs;
  const on = ["--domain", spec.name, "--live"];
  const media = /^disk\[(sd[a-z])\]\/source/.exec(item.field);
  if (item.field === "currentMemory") {
    await virsh(host, "setmem", ...on, "--size", `${spec.memoryMiB}MiB`);
  } else if (item.field === "vcpu.current") {
    await virsh(host, "setvcpus", ...on, "--count", String(spec.vcpus));
  } else if (media !== null) {
    await virsh(
      host,
      "change-media",
      ...on,
      "--path",
      media[1] ?? "",
      "--source",
      spec.seed,
      "--update",
      "--force",
    );
  } else {
    const device =
      seen.liveXml === undefined ? undefined : deviceElement(seen.liveXml, deviceOf(item.field));
    if (device === undefined) return;
    const isScreen = item.field.startsWith("graphics");
    if (isScreen) {
      device.setAttribute("passwd", inputs.ticket);
      device.removeAttribute("passwdValidTo");
    }
    const xml = new XMLSerializer().serializeToString(device);
    const words = [isScreen ? "update" : "detach", spec.name];
    const changed = await runOnHost(host, "domain-device.sh", words, { stdin: xml });
    if (changed.code !== 0) throw new Error(changed.stderr.trim());
  }
}

/** What of the running domain is not as declared, or not as it was. */
function liveDrift(
  inputs: HealInputs,
  seen: DomainObservation,
  baseline: Baseline | undefined,
): { items: DriftItem[]; words: string[] } {
  const { live, persistent } = observedFacts(seen);
  if (live === undefined) return { items: [], words: [] };
  const items =
    baseline?.live === undefined
      ? []
      : definitionDrift({ persistent, live: baseline.live }, { persistent, live });
  const lacks = liveLacks(declaredFacts(inputs.spec), live);
  return {
    items,
    words: [...new Set([...lacks, ...items.map((i) => `${i.field}: live ${i.live}`)])],
  };
}

/** A disk under which the guest has written elsewhere is nothing to be put right unasked. */
function refuseOtherDisk({ spec }: HealInputs, seen: DomainObservation): void {
  const { persistent, live } = observedFacts(seen);
  const field = "disk[vda]/source.file";
  const other = [live?.[field], persistent[field]].find(
    (source) => source !== undefined && source !== spec.disk,
  );
  if (other === undefined) return;
  throw new Error(
    `${spec.name}: found its disk at ${other}, required ${spec.disk}; nothing was changed: what the ` +
      `guest has written there would be left behind. If it is the overlay of a snapshot, merge it: ` +
      `'virsh blockcommit ${spec.name} vda --active --pivot' (running) or 'qemu-img commit ${other}' (off); ` +
      `else set the source back by 'virsh edit ${spec.name}'; then run 'up' again`,
  );
}

async function start(inputs: HealInputs, tell: Tell): Promise<DomainObservation> {
  const { host, spec } = inputs;
  await virsh(host, "start", "--domain", spec.name);
  const now = await look(inputs, tell);
  const lacks = liveLacks(declaredFacts(spec), observedFacts(now).live ?? {});
  if (lacks.length > 0) {
    throw new Error(
      `${spec.name}: found after its start ${lacks.join("; ")}; required as declared; ` +
        `log: /var/log/libvirt/qemu/${spec.name}.log`,
    );
  }
  return now;
}

/** Brings a domain that does not run as it should into a state from which the rest can be judged. */
async function wake(
  inputs: HealInputs,
  seen: DomainObservation,
  tell: Tell,
): Promise<DomainObservation> {
  const { host, spec } = inputs;
  switch (seen.state) {
    case "paused":
      if (seen.reason === "I/O error") {
        throw new Error(
          `${spec.name}: found it paused (I/O error), required running; the host's disk is full or ` +
            `failing: make room ('df -h ${spec.disk}'), then 'virsh resume ${spec.name}'`,
        );
      }
      await virsh(host, "resume", "--domain", spec.name);
      return look(inputs, tell);
    case "pmsuspended":
      await virsh(host, "dompmwakeup", "--domain", spec.name);
      return look(inputs, tell);
    case "crashed":
      // Preserved for whoever wants to look; its memory is of a system that has ended.
      await virsh(host, "destroy", "--domain", spec.name);
      return look(inputs, tell);
    case "in shutdown":
      await endCleanly(inputs, seen);
      return look(inputs, tell);
    default:
      return seen;
  }
}

/** Waits for the guest's part of a live change. What it does not do in time takes a power cycle. */
async function settled(
  inputs: HealInputs,
  baseline: Baseline | undefined,
  fields: readonly string[],
  tell: Tell,
): Promise<DomainObservation> {
  const { name, type } = inputs.spec;
  let seen = await look(inputs, tell);
  const limitS = LIMITS_S[accelerationOf(type)].live;
  await waitFor({ what: `${name}: live change:`, limitS }, async () => {
    const open = liveDrift(inputs, seen, baseline).items.filter((i) => fields.includes(i.field));
    if (open.length === 0) return { value: undefined };
    seen = await look(inputs, tell);
    return { notYet: open.map((item) => `${item.field} ${item.live}`).join(", ") };
  }).catch((error: Error) => console.log(error.message));
  return seen;
}

/** Brings the domain to what is declared, as far as `onDrift` allows. */
export async function heal(
  inputs: HealInputs,
  found: DomainObservation | undefined,
  baseline: Baseline | undefined,
  tell: Tell,
): Promise<Healed> {
  const { spec, onDrift } = inputs;
  if (found !== undefined) refuseOtherDisk(inputs, found);
  const before = await setDefinition(inputs, found, baseline, tell);
  let seen = await wake(inputs, before, tell);
  // It went on after a pause: its clock is behind, and its picture is of then.
  let started = before.state !== seen.state && seen.state === "running" ? 1 : 0;
  if (seen.state === "shut off") {
    // A saved state resumes the hardware of then: it is judged below like any running domain.
    if (!seen.managedSave) return { seen: await start(inputs, tell), started: 1, pending: "" };
    await virsh(inputs.host, "start", "--domain", spec.name);
    seen = await look(inputs, tell);
    started = 1;
  }
  const first = liveDrift(inputs, seen, baseline);
  const asked: string[] = [];
  for (const item of first.items.filter(({ cost }) => cost === "live")) {
    await healLive(inputs, item, seen).then(
      () => asked.push(item.field),
      (error: Error) =>
        console.log(`${spec.name}: ${item.field}: ${error.message}; it takes a power cycle`),
    );
  }
  if (asked.length > 0) seen = await settled(inputs, baseline, asked, tell);
  const { words } = asked.length > 0 ? liveDrift(inputs, seen, baseline) : first;
  if (words.length === 0) return { seen, started, pending: "" };
  if (onDrift !== "heal") {
    console.log(
      `warning: ${spec.name} runs until its next power cycle with ${words.join("; ")}; shut it down ` +
        `and run 'up', or set guests[].onDrift to "heal"`,
    );
    return { seen, started, pending: "power cycle" };
  }
  console.log(`${spec.name}: a clean power cycle for ${words.join("; ")}`);
  await endCleanly(inputs, seen);
  return { seen: await start(inputs, tell), started: 1, pending: "" };
}

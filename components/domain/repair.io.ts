/** Repairs a domain: first its persistent definition, then the running domain. */
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

/** With the ticket of the guest's screen, which is never in the state. */
type HealInputs = DomainContractInputs & { readonly ticket: string };

interface Healed {
  readonly seen: DomainObservation;
  /** How often the domain was started or resumed: 0 or 1. */
  readonly started: number;
  /** `power cycle` while the running domain lacks the declared hardware. */
  readonly pending: string;
}

/** Gives the caller each observation, so that a later failure keeps the last one in the state. */
type Keep = (seen: DomainObservation) => void;

async function look(inputs: HealInputs, keep: Keep): Promise<DomainObservation> {
  const seen = await observeDomain(inputs.host, inputs.spec.name, inputs.ticket);
  if (seen === undefined)
    throw new Error(
      `${inputs.spec.name}: found no domain after 'up' defined it; need it; ` +
        `fix: stop what removes domains on this host, then run 'up' again`,
    );
  keep(seen);
  return seen;
}

/**
 * Saves a definition before it is overwritten, as somebody may have intended the edit. The file has no
 * ticket, since it outlives the guest.
 */
async function keepDefinition(inputs: HealInputs, found: string): Promise<void> {
  const { directory, spec, ticket } = inputs;
  const xml = found.replaceAll(ticket, "");
  const hash = createHash("sha256").update(xml).digest("hex").slice(0, 8);
  const file = join(directory, `definition-${hash}.xml`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.partial`, xml, { mode: 0o600, flush: true });
  await rename(`${file}.partial`, file);
  console.log(`${spec.name}: saved the found definition as ${file}`);
}

/** Sets the definition and autostart, and checks that libvirt kept all of it. */
async function setDefinition(
  inputs: HealInputs,
  seen: DomainObservation | undefined,
  baseline: Baseline | undefined,
  keep: Keep,
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
    // libvirt renames only a domain that is shut off.
    if (seen.state !== "shut off") await endCleanly(inputs, seen);
    await virsh(host, "domrename", "--domain", seen.uuid, "--new-name", spec.name);
  }
  await define(host, spec.name, domainXml(spec, { uuid: seen?.uuid, ticket }), "--validate");
  const autostart = spec.autostart === true;
  if ((seen?.autostart ?? false) !== autostart) {
    const off = autostart ? [] : ["--disable"];
    await virsh(host, "autostart", "--domain", spec.name, ...off);
  }
  const now = await look(inputs, keep);
  const lost = notHeld(declared, { ...observedFacts(now).persistent, "managed save": "no" });
  if (lost.length > 0) {
    throw new Error(
      `${spec.name}: found differences after the define (${lost.join("; ")}); need the declared values; ` +
        `fix: stop what else changes the domain, or use a libvirt that keeps them (found ${now.version})`,
    );
  }
  return now;
}

async function endCleanly(inputs: HealInputs, seen: DomainObservation): Promise<void> {
  const { host, spec } = inputs;
  await shutDown({ host, domain: seen.uuid, acceleration: accelerationOf(spec.type) });
}

/** Repairs one field of the running domain. Throws when libvirt refuses. */
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

/** The running domain's drift from the declared facts and from the baseline. */
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

/** `up` never replaces a root disk that is not the lab's: the guest may have written there. */
function refuseOtherDisk({ spec }: HealInputs, seen: DomainObservation): void {
  const { persistent, live } = observedFacts(seen);
  const field = "disk[vda]/source.file";
  const other = [live?.[field], persistent[field]].find(
    (source) => source !== undefined && source !== spec.disk,
  );
  if (other === undefined) return;
  throw new Error(
    `${spec.name}: found its disk at ${other} (nothing was changed); need ${spec.disk}; ` +
      `fix: if the disk is the overlay of a snapshot, merge it by ` +
      `'virsh blockcommit ${spec.name} vda --active --pivot' (running) or 'qemu-img commit ${other}' ` +
      `(shut off), else set the source back by 'virsh edit ${spec.name}', then run 'up' again`,
  );
}

async function start(inputs: HealInputs, keep: Keep): Promise<DomainObservation> {
  const { host, spec } = inputs;
  await virsh(host, "start", "--domain", spec.name);
  const now = await look(inputs, keep);
  const lacks = liveLacks(declaredFacts(spec), observedFacts(now).live ?? {});
  if (lacks.length > 0) {
    throw new Error(
      `${spec.name}: found differences after its start (${lacks.join("; ")}); need the declared values; ` +
        `log: /var/log/libvirt/qemu/${spec.name}.log`,
    );
  }
  return now;
}

/** Ends a pause, a suspend, a crash or a shutdown under way, so that the rest can be compared. */
async function wake(
  inputs: HealInputs,
  seen: DomainObservation,
  keep: Keep,
): Promise<DomainObservation> {
  const { host, spec } = inputs;
  switch (seen.state) {
    case "paused":
      if (seen.reason === "I/O error") {
        throw new Error(
          `${spec.name}: found it paused (I/O error), as the host's disk is full or failing; ` +
            `need it running; fix: make room (df -h ${spec.disk}), then 'virsh resume ${spec.name}'`,
        );
      }
      await virsh(host, "resume", "--domain", spec.name);
      return look(inputs, keep);
    case "pmsuspended":
      await virsh(host, "dompmwakeup", "--domain", spec.name);
      return look(inputs, keep);
    case "crashed":
      // on_crash kept it for inspection; the system in its memory has ended.
      await virsh(host, "destroy", "--domain", spec.name);
      return look(inputs, keep);
    case "in shutdown":
      await endCleanly(inputs, seen);
      return look(inputs, keep);
    default:
      return seen;
  }
}

/** Waits until the guest follows a live change. What it does not follow in time takes a power cycle. */
async function settled(
  inputs: HealInputs,
  baseline: Baseline | undefined,
  fields: readonly string[],
  keep: Keep,
): Promise<DomainObservation> {
  const { name, type } = inputs.spec;
  let seen = await look(inputs, keep);
  const limitS = LIMITS_S[accelerationOf(type)].live;
  await waitFor({ what: `${name}: live change:`, limitS }, async () => {
    const open = liveDrift(inputs, seen, baseline).items.filter((i) => fields.includes(i.field));
    if (open.length === 0) return { value: undefined };
    seen = await look(inputs, keep);
    return { notYet: open.map((item) => `${item.field} ${item.live}`).join(", ") };
  }).catch((error: Error) => console.log(error.message));
  return seen;
}

/** Repairs the domain, as far as `onDrift` allows. */
export async function heal(
  inputs: HealInputs,
  found: DomainObservation | undefined,
  baseline: Baseline | undefined,
  keep: Keep,
): Promise<Healed> {
  const { spec, onDrift } = inputs;
  if (found !== undefined) refuseOtherDisk(inputs, found);
  const before = await setDefinition(inputs, found, baseline, keep);
  let seen = await wake(inputs, before, keep);
  // A resume counts as a start: the guest's clock is behind and its picture is old.
  let started = before.state !== seen.state && seen.state === "running" ? 1 : 0;
  if (seen.state === "shut off") {
    // A saved state resumes with its old hardware, which is compared below like that of any domain.
    if (!seen.managedSave) return { seen: await start(inputs, keep), started: 1, pending: "" };
    await virsh(inputs.host, "start", "--domain", spec.name);
    seen = await look(inputs, keep);
    started = 1;
  }
  const first = liveDrift(inputs, seen, baseline);
  const asked: string[] = [];
  // Without `heal` a running guest is left alone: a device that somebody plugged in is in use.
  const live = onDrift === "heal" ? first.items.filter(({ cost }) => cost === "live") : [];
  for (const item of live) {
    await healLive(inputs, item, seen).then(
      () => asked.push(item.field),
      (error: Error) =>
        console.log(`${spec.name}: ${item.field}: ${error.message}; it takes a power cycle`),
    );
  }
  if (asked.length > 0) seen = await settled(inputs, baseline, asked, keep);
  const { words } = asked.length > 0 ? liveDrift(inputs, seen, baseline) : first;
  if (words.length === 0) return { seen, started, pending: "" };
  if (onDrift !== "heal") {
    console.log(
      `warning: ${spec.name}: found other hardware until its next power cycle (${words.join("; ")}); ` +
        `need the declared hardware; fix: shut it down and run 'up', or set guests[].onDrift to "heal"`,
    );
    return { seen, started, pending: "power cycle" };
  }
  console.log(`${spec.name}: clean power cycle for ${words.join("; ")}`);
  await endCleanly(inputs, seen);
  return { seen: await start(inputs, keep), started: 1, pending: "" };
}

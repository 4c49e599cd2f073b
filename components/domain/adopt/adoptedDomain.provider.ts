/** Provider of AdoptedDomain: gives an existing domain the page's hardware, and its own back. */
import { createHash } from "node:crypto";
import { mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as xml from "./adoption";
import { Acceleration, accelerationOf } from "../../../core/limits";
import { AdoptedDomainInputs } from "./adoptedDomain";
import { powerUp } from "./power.io";
import { libvirtOf } from "../../../core/target";
import { domainState } from "../../../core/virsh.io";
import { define, inactiveXml, listDomains, liveXml } from "../definition.io";
import { textOf } from "../../../core/privateFile.io";
import { ensureTicket, ticketOf } from "../../access/ticket.io";

export interface AdoptedDomainProps extends AdoptedDomainInputs {
  readonly uuid: string;
  /** The definition from before the adoption. Secret: it may contain a display's password. */
  readonly originalXml: string;
  readonly acceleration: Acceleration;
  /** Parts of the definition that are not as declared. */
  readonly drift: string[];
  /** False when a part is not as declared or the mark is missing; an update restores both. */
  readonly intact: boolean;
  readonly running: boolean;
  /** `power cycle` while the running domain still has its old hardware; else empty. */
  readonly pending: string;
  /** How often this resource started the domain. */
  readonly boots: number;
  /** Changes with every start by this resource: earlier observations of the guest are outdated. */
  readonly bootId: string;
}

/** libvirt's messages where no PCI slot is free for a device, nor for a bridge. */
const NO_PCI_SLOT =
  /no more available PCI slots|a PCI slot is needed|PCI controller at index .* must be larger than bus/i;

const originalFile = ({ directory }: AdoptedDomainInputs): string =>
  join(directory, "original.xml");

function isOurs(inputs: AdoptedDomainInputs, owner: xml.Owner | undefined): boolean {
  return owner?.adopted === true && owner.stack === inputs.stack && owner.guest === inputs.guest;
}

/** The definition of a domain that may be adopted. Throws for any other. */
async function adoptable(inputs: AdoptedDomainInputs): Promise<string> {
  const { host, domain } = inputs;
  const all = await listDomains(host, "--all", "--name");
  if (!all.includes(domain)) {
    const others = all.length === 0 ? "there is none" : `there are ${all.join(", ")}`;
    const other = host?.session === true ? "system" : "session";
    throw new Error(
      `${domain}: found no such domain in ${libvirtOf(host)} (${others}); need one that 'virsh --connect ${libvirtOf(host)} list --all' shows; ` +
        `fix: set guests[].image.domain to its name, or guests[].image.connection to "${other}", as domains of GNOME Boxes are the user's own`,
    );
  }
  if ((await listDomains(host, "--all", "--transient", "--name")).includes(domain)) {
    throw new Error(
      `${domain}: found a transient domain; need a persistent one; ` +
        `fix: virsh dumpxml ${domain} >FILE && virsh define FILE`,
    );
  }
  const found = await inactiveXml(host, domain);
  const facts = xml.domainFacts(found);
  // virsh reads a numeric name as the id of a running domain first.
  if (facts.name !== domain) {
    throw new Error(
      `${domain}: found the domain ${facts.name} by this name; need ${domain}; ` +
        `fix: rename it ('virsh domrename') to a name that is not a number`,
    );
  }
  const owner = xml.ownerOf(found);
  if (owner !== undefined && !isOurs(inputs, owner)) {
    const role = owner.adopted ? "adopted" : "created";
    throw new Error(
      `${domain}: found it ${role} by guest '${owner.guest}' of stack '${owner.stack}'; ` +
        `need a domain that no other guest has; fix: run 'down' there, or, if that lab is gone, ` +
        `remove its mark: 'virsh metadata ${domain} --uri urn:mirlab:1 --remove --config'`,
    );
  }
  const acceleration = accelerationOf(facts.type);
  if (inputs.wantedAcceleration !== "auto" && inputs.wantedAcceleration !== acceleration) {
    throw new Error(
      `${domain}: found domain type '${facts.type}'; need acceleration ${inputs.wantedAcceleration}; ` +
        `fix: set guests[].acceleration to "auto", or change the type by 'virsh edit ${domain}'`,
    );
  }
  return found;
}

/**
 * The definition from before the adoption. An unmarked domain still has it. A marked one was redefined
 * by a run that ended before the state was written: then only the file has it.
 */
async function originalOf(inputs: AdoptedDomainInputs, found: string): Promise<string> {
  if (xml.ownerOf(found) === undefined) return found;
  const file = originalFile(inputs);
  const kept = await textOf(file);
  const { uuid } = xml.domainFacts(found);
  const fault =
    kept === undefined
      ? "no file"
      : uuidIn(kept) === uuid
        ? undefined
        : "another domain's definition";
  if (kept !== undefined && fault === undefined) return kept;
  throw new Error(
    `${inputs.domain}: found it marked by this guest, but ${fault} at ${file}; need its definition ` +
      `from before the adoption; fix: restore the file, or, to use the present definition, remove the ` +
      `mark: 'virsh metadata ${inputs.domain} --uri urn:mirlab:1 --remove --config'`,
  );
}

function uuidIn(text: string): string {
  try {
    return xml.domainFacts(text).uuid;
  } catch {
    return "";
  }
}

/** Saves the original in a file. An earlier file with another text is renamed, never lost. */
async function keepOriginal(inputs: AdoptedDomainInputs, original: string): Promise<void> {
  const file = originalFile(inputs);
  const kept = await textOf(file);
  if (kept === original) return;
  await mkdir(inputs.directory, { recursive: true, mode: 0o700 });
  if (kept !== undefined) {
    const hash = createHash("sha256").update(kept).digest("hex").slice(0, 8);
    await rename(file, join(inputs.directory, `original-${hash}.xml`));
  }
  await rm(`${file}.partial`, { force: true });
  await writeFile(`${file}.partial`, original, { mode: 0o600, flush: true });
  await rename(`${file}.partial`, file);
}

/** Redefines the domain unless it is as declared. Checks the result: libvirt may drop parts. */
export async function redefine(
  inputs: AdoptedDomainInputs & xml.AdoptContract,
  found: string,
  original: string,
): Promise<void> {
  const { host, domain } = inputs;
  const wanted = xml.adopt(found, inputs, original);
  if (xml.sameMeaning(wanted, found)) return;
  const changed = xml.differences(found, inputs, original);
  if (
    changed.length > 0 &&
    (await listDomains(host, "--all", "--with-managed-save", "--name")).includes(domain)
  ) {
    throw new Error(
      `${domain}: found a saved state, which would resume with the old hardware; need none; ` +
        `fix: 'virsh start ${domain}', shut it down from inside, and run 'up' again`,
    );
  }
  // Without --validate: libvirt's schema refuses some definitions that libvirt prints. The result is compared below.
  await define(host, domain, wanted)
    .catch((error: Error) => {
      // libvirt alone knows the ports and slots that controllers have and devices take.
      if (!/No free USB ports/i.test(error.message)) throw error;
      return define(host, domain, xml.adopt(found, { ...inputs, usbFull: true }, original));
    })
    .catch((error: Error) => {
      if (!NO_PCI_SLOT.test(error.message)) throw error;
      throw new Error(
        `${domain}: found no free PCI slots for ${changed.join(", ")}, so nothing was changed; ` +
          `need up to 4; fix: with 'virsh edit ${domain}', remove a device that is not needed, ` +
          `or move the disks to one virtio-scsi controller; log:\n${error.message}`,
      );
    });
  const now = await inactiveXml(host, domain);
  const left = xml.differences(now, inputs, original);
  if (left.length > 0 || !isOurs(inputs, xml.ownerOf(now))) {
    throw new Error(
      `${domain}: found differences after the define (${left.join(", ") || "mark"}); ` +
        `need the declared parts; fix: stop what else changes this domain, then run 'up' again; ` +
        `log: 'virsh dumpxml --inactive ${domain}'`,
    );
  }
  console.log(`${domain}: redefined: ${changed.join(", ") || "mark"}`);
}

async function converge(
  inputs: AdoptedDomainInputs,
  olds?: AdoptedDomainProps,
): Promise<AdoptedDomainProps> {
  const found = await adoptable(inputs);
  const { uuid, type } = xml.domainFacts(found);
  if (olds !== undefined && olds.uuid !== uuid) {
    throw new Error(
      `${inputs.domain}: found another domain of this name (${uuid}); need ${olds.uuid}; ` +
        `fix: run 'refresh', then 'up' adopts the new one`,
    );
  }
  const original = olds?.originalXml ?? (await originalOf(inputs, found));
  const refused = xml.refusal(original, inputs);
  if (refused !== undefined) throw new Error(`${inputs.domain}: ${refused}`);
  await keepOriginal(inputs, original);
  const contract = { ...inputs, ticket: await ensureTicket(inputs.directory) };
  await redefine(contract, found, original);

  const acceleration = accelerationOf(type);
  const props = (boots: number, pending: string, running: boolean): AdoptedDomainProps => ({
    ...pick(inputs),
    ...{ uuid, originalXml: original, acceleration, drift: [], intact: true },
    ...{ running, pending, boots, bootId: `${uuid}#${boots}` },
  });
  const boots = olds?.boots ?? 0;
  try {
    const { started, pending } = await powerUp(contract, original, acceleration);
    return props(started ? boots + 1 : boots, pending, true);
  } catch (error) {
    // The domain is redefined: keep it in the state, so that `down` can undo it.
    throw Object.assign(new Error(`${inputs.domain} is redefined but not up`), {
      id: uuid,
      properties: props(boots, "power cycle", false),
      reasons: [(error as Error).message],
    });
  }
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
function pick(i: AdoptedDomainInputs): AdoptedDomainInputs {
  const { domain, stack, guest, directory, wantedAcceleration, restart, spice, video, shareTag } =
    i;
  return {
    ...{ domain, stack, guest, directory, wantedAcceleration, restart, spice, video, shareTag },
    ...(i.share === undefined ? {} : { share: i.share }),
    ...(i.host === undefined ? {} : { host: i.host }),
  };
}

/** Restores the domain's own hardware. Never stops the domain or removes its disks. */
export async function giveBack(uuid: string, props: AdoptedDomainProps): Promise<void> {
  const { host, domain } = props;
  const file = originalFile(props);
  if (!(await listDomains(host, "--all", "--uuid")).includes(uuid)) {
    console.log(`${domain}: is gone from the host; its original definition stays in ${file}`);
    return;
  }
  const found = await inactiveXml(host, uuid);
  if (isOurs(props, xml.ownerOf(found))) {
    await define(host, domain, xml.release(found, props.originalXml, props.shareTag));
    const { state } = await domainState(host, uuid);
    if (state !== "shut off") {
      console.log(
        `${domain}: has its own definition back; its hardware changes with the next power cycle`,
      );
    }
  } else if (!xml.sameMeaning(found, props.originalXml)) {
    console.log(`${domain}: carries no mark of this guest and is left as it is; ${file} stays`);
    return;
  }
  await rm(file, { force: true });
  await rmdir(props.directory).catch(() => undefined);
}

export const provider: pulumi.dynamic.ResourceProvider<AdoptedDomainInputs, AdoptedDomainProps> = {
  async create(inputs) {
    const outs = await converge(inputs);
    return { id: outs.uuid, outs };
  },
  /**
   * A domain that libvirt no longer lists is reported as deleted: nothing is left to restore, and
   * `down` must not fail on it. The next `up` names what is missing. No answer is an error.
   */
  async read(id, props) {
    if (props === undefined) throw new Error(`${id}: cannot be imported`);
    const { host, originalXml } = props;
    if (!(await listDomains(host, "--all", "--uuid")).includes(id)) return { props };
    const found = await inactiveXml(host, id);
    // Without a ticket file no display matches, so an update restores both.
    const contract = { ...props, ticket: (await ticketOf(props.directory)) ?? "" };
    const drift = xml.differences(found, contract, originalXml);
    const { state } = await domainState(host, id);
    const running = state === "running";
    const old = running ? xml.differences(await liveXml(host, id), contract, originalXml) : [];
    const { name: domain, type } = xml.domainFacts(found);
    return {
      id,
      props: {
        ...{ ...props, domain, drift, running, acceleration: accelerationOf(type) },
        intact: drift.length === 0 && isOurs(props, xml.ownerOf(found)),
        pending: old.length === 0 ? "" : "power cycle",
      },
    };
  },
  async diff(_id, olds, news) {
    const other =
      olds.domain !== news.domain || olds.stack !== news.stack || olds.guest !== news.guest;
    const cycle = olds.pending !== "" && news.restart === "shutdown";
    const declared = !isDeepStrictEqual(pick(olds), pick(news));
    return {
      changes: other || declared || cycle || !olds.intact || !olds.running,
      replaces: other ? ["domain"] : [],
      deleteBeforeReplace: true,
    };
  },
  async update(_id, olds, news) {
    return { outs: await converge(news, olds) };
  },
  async delete(id, props) {
    await giveBack(id, props);
  },
};

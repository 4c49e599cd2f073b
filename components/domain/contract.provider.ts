/** Handler of DomainContract: the lab's own domain, made, kept as declared, and told where it is not. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { ownerOf } from "./adopt/adoption";
import { driftText } from "./drift";
import { DomainObservation, observedFacts } from "./observation";
import { DomainContractInputs } from "./contract";
import { DomainSpec } from "./definition";
import { accelerationOf } from "../../core/limits";
import { Baseline, declaredFacts, driftOf, rebase } from "./baseline";
import { virsh } from "../../core/virsh.io";
import { listDomains } from "./definition.io";
import { heal } from "./repair.io";
import { observeDomain } from "./observation.io";
import { endForRemoval } from "./power.io";
import { ensureTicket, ticketOf } from "../access/ticket.io";

export interface DomainContractProps extends DomainContractInputs {
  readonly uuid: string;
  readonly name: string;
  /** The definitions as they were when the lab last set them. */
  readonly baseline: Baseline;
  /** `power cycle` while the running domain still has its old hardware; else empty. */
  readonly pending: string;
  /** How often the domain was started, or went on after a pause, here. */
  readonly boots: number;
  /** Changes with each of these: what was seen before it has to be seen anew. */
  readonly bootId: string;
}

/** Throws unless the domain carries the mark of this stack and guest. */
function assertOurs(seen: DomainObservation, { stack, guest, name }: DomainSpec): void {
  const owner = ownerOf(seen.inactiveXml);
  if (owner?.stack === stack && owner.guest === guest && !owner.adopted) return;
  const whose =
    owner === undefined
      ? "of somebody else"
      : `${owner.adopted ? "adopted" : "made"} by guest '${owner.guest}' of stack '${owner.stack}'`;
  throw new Error(
    `${name}: found a domain of this name ${whose}, required the name free; rename it ` +
      `('virsh domrename ${name} NEW'), choose another stack or guest name, or let this guest adopt it: ` +
      `guests[].image: { source: existing, domain: ${name}, ... }`,
  );
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
const pick = (i: DomainContractInputs): Omit<DomainContractInputs, "drift"> => ({
  ...{ spec: i.spec, onDrift: i.onDrift, directory: i.directory },
  ...(i.host === undefined ? {} : { host: i.host }),
});

/** Fields whose change makes another guest: another disk, first boot, name or kind of processor. */
const IDENTITY = ["name", "disk", "seed", "type"] as const;

async function converge(
  inputs: DomainContractInputs,
  olds?: DomainContractProps,
): Promise<DomainContractProps> {
  const { host, spec, directory } = inputs;
  const ticket = await ensureTicket(directory);
  const seen = await observeDomain(host, olds?.uuid ?? spec.name, ticket);
  if (seen === undefined && olds !== undefined) {
    throw new Error(
      `${spec.name}: found no domain ${olds.uuid}, required it; run 'refresh', then 'up' makes it anew`,
    );
  }
  if (seen !== undefined && olds === undefined) {
    assertOurs(seen, spec);
    console.log(`${spec.name}: found this lab's domain, unknown to the state; taking it over`);
  }
  const boots = olds?.boots ?? 0;
  const props = (
    now: DomainObservation,
    started: number,
    pending: string,
  ): DomainContractProps => ({
    ...{ ...pick(inputs), drift: [], uuid: now.uuid, name: now.name },
    ...{ baseline: { ...observedFacts(now), version: now.version }, pending },
    ...{ boots: boots + started, bootId: `${now.uuid}#${boots + started}` },
  });
  let known = seen;
  try {
    const healed = await heal({ ...inputs, ticket }, seen, olds?.baseline, (now) => (known = now));
    return props(healed.seen, healed.started, healed.pending);
  } catch (error) {
    if (known === undefined) throw error;
    // libvirt has it: the state must know, so that the next `up` goes on and `down` removes it.
    const reason = (error as Error).message;
    throw Object.assign(new Error(`${spec.name} is not as declared`), {
      id: known.uuid,
      properties: { ...props(known, 0, olds?.pending ?? ""), drift: [reason] },
      reasons: [reason],
    });
  }
}

export const provider: pulumi.dynamic.ResourceProvider<DomainContractInputs, DomainContractProps> =
  {
    async create(inputs) {
      const outs = await converge(inputs);
      return { id: outs.uuid, outs };
    },
    /**
     * A domain that libvirt no longer lists is told as gone: `up` makes it anew over its disk. No
     * answer of libvirt is an error, never `gone`.
     */
    async read(id, props) {
      if (props === undefined) throw new Error(`${id}: cannot be imported`);
      const seen = await observeDomain(props.host, id, await ticketOf(props.directory));
      if (seen === undefined) return {};
      const declared = declaredFacts(props.spec);
      const { baseline, pending } = rebase(props, seen, declared);
      const drift = driftOf(baseline, seen).map(driftText);
      // Diagnostics name each difference in every form of preview; see docs/decisions/0011.
      for (const line of drift) console.log(`${seen.name}: ${line}`);
      const now = { ...props, name: seen.name, baseline, pending, drift };
      // The SDK types them as outputs; the engine takes them for the resource's inputs.
      const inputs = { ...pick(now), drift } as unknown as DomainContractProps;
      return { id, props: now, inputs };
    },
    async diff(_id, olds, news) {
      const other = IDENTITY.filter((key) => olds.spec[key] !== news.spec[key]);
      const cycle = olds.pending !== "" && news.onDrift === "heal";
      const declared = !isDeepStrictEqual(pick(olds), pick(news));
      return {
        changes: declared || cycle || olds.drift.length > 0,
        replaces: other.length > 0 ? ["spec"] : [],
        deleteBeforeReplace: true,
      };
    },
    async update(_id, olds, news) {
      if (news.onDrift === "report" && isDeepStrictEqual(olds.spec, news.spec)) {
        for (const line of olds.drift)
          console.log(`${olds.name}: ${line} (only reported: onDrift)`);
        return { outs: { ...olds, ...pick(news), drift: [...olds.drift] } };
      }
      return { outs: await converge(news, olds) };
    },
    async delete(id, props) {
      const { host, name: domain, spec } = props;
      const gone = async (): Promise<boolean> =>
        !(await listDomains(host, "--all", "--uuid")).includes(id);
      if (await gone()) return;
      const seen = await observeDomain(host, id);
      if (seen === undefined) return;
      assertOurs(seen, spec);
      await endForRemoval({ host, domain: id, acceleration: accelerationOf(spec.type) });
      // One that was undefined while it ran is gone with its end.
      if (await gone()) return;
      if (seen.snapshots > 0)
        console.log(`${domain}: forgetting its ${seen.snapshots} snapshot(s)`);
      await virsh(host, "undefine", "--domain", id, "--managed-save", "--snapshots-metadata");
    },
  };

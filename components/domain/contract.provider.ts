/** Provider of DomainContract: creates the lab's own domain, reports its drift, and repairs it. */
import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { ownerOf } from "./adopt/adoption";
import { driftText } from "./drift";
import { DomainObservation, observedFacts } from "./observation";
import { DomainContractInputs } from "./contract";
import { DomainSpec } from "./definition";
import { reportedOnly } from "../../core/contract";
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
  /** How often this resource started or resumed the domain. */
  readonly boots: number;
  /** Changes with each start or resume: whatever was observed in the guest before is outdated. */
  readonly bootId: string;
}

/** Throws unless the domain carries the mark of this stack and guest. */
function assertOurs(seen: DomainObservation, { stack, guest, name }: DomainSpec): void {
  const owner = ownerOf(seen.inactiveXml);
  if (owner?.stack === stack && owner.guest === guest && !owner.adopted) return;
  const origin =
    owner === undefined
      ? "without a lab's mark"
      : `${owner.adopted ? "adopted" : "created"} by guest '${owner.guest}' of stack '${owner.stack}'`;
  throw new Error(
    `${name}: found a domain of this name ${origin}; need the name free; ` +
      `fix: rename it (virsh domrename ${name} NEW), choose another stack or guest name, or adopt it ` +
      `by guests[].image: { source: existing, domain: ${name}, ... }`,
  );
}

/** The declared inputs alone: the engine adds `__provider`, and props add outputs. */
const pick = (i: DomainContractInputs): Omit<DomainContractInputs, "drift"> => ({
  ...{ spec: i.spec, onDrift: i.onDrift, directory: i.directory },
  ...(i.host === undefined ? {} : { host: i.host }),
});

/** Fields whose change replaces the domain. */
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
      `${spec.name}: found no domain ${olds.uuid}; need the domain of the state; fix: run 'refresh', then 'up' recreates it`,
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
    // The domain exists: keep it in the state, so that the next `up` continues and `down` removes it.
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
     * A domain that libvirt no longer lists is reported as deleted: `up` recreates it with its disk.
     * No answer from libvirt is an error, never a deletion.
     */
    async read(id, props) {
      if (props === undefined) throw new Error(`${id}: cannot be imported`);
      const seen = await observeDomain(props.host, id, await ticketOf(props.directory));
      if (seen === undefined) return {};
      const declared = declaredFacts(props.spec);
      const { baseline, pending } = rebase(props, seen, declared);
      const drift = driftOf(baseline, seen).map(driftText);
      // Every form of preview shows printed lines; see docs/decisions/0011.
      for (const line of drift) console.log(`${seen.name}: ${line}`);
      const now = { ...props, name: seen.name, baseline, pending, drift };
      // The SDK types `inputs` as outputs; the engine uses them as the resource's inputs.
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
      if (news.onDrift === "report" && olds.drift.length > 0) {
        throw reportedOnly(olds.name, olds.drift);
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
      // A domain that was undefined while it ran disappears when it stops.
      if (await gone()) return;
      if (seen.snapshots > 0)
        console.log(`${domain}: removing libvirt's records of its ${seen.snapshots} snapshot(s)`);
      await virsh(host, "undefine", "--domain", id, "--managed-save", "--snapshots-metadata");
    },
  };

/** The declared facts of a lab's domain, and the drift of the real one. Pure. */
import { definitionDrift, DriftItem, notHeld, rebased } from "./drift";
import { domainFactsOf, Facts } from "./facts";
import { DomainObservation, observedFacts } from "./observation";
import { DomainSpec, domainXml } from "./definition";

/**
 * What `up` does about drift. `heal`: repairs it, by a clean power cycle where that is needed.
 * `restart-at-next-boot`: repairs the persistent definition and leaves a running guest alone.
 * `report`: only reports it.
 */
export type OnDrift = "heal" | "restart-at-next-boot" | "report";

/** The definitions as they were when the lab last set them. */
export interface Baseline {
  readonly persistent: Facts;
  /** Unset while no domain ran. */
  readonly live?: Facts;
  /** Versions of libvirt and the hypervisor that wrote them. */
  readonly version: string;
}

/** Facts that libvirt keeps outside the definition; the live definition has none of them. */
const beside = ({ autostart }: Pick<DomainSpec, "autostart">): Facts => ({
  autostart: autostart === true ? "enable" : "disable",
  "managed save": "no",
});
const BESIDE = beside({});

/** The facts that the lab declares. libvirt adds more: those are compared with the baseline. */
export function declaredFacts(spec: DomainSpec): Facts {
  const ticket = "any";
  return { ...domainFactsOf(domainXml(spec, { ticket }), ticket), ...beside(spec) };
}

/** Declared facts that the running domain does not have, in words. */
export function liveLacks(declared: Facts, live: Facts): string[] {
  return notHeld(inDefinition(declared), live);
}

const inDefinition = (declared: Facts): Facts =>
  Object.fromEntries(Object.entries(declared).filter(([path]) => !(path in BESIDE)));

function stateDrift({ state, reason }: DomainObservation): DriftItem[] {
  if (state === "running") return [];
  const found = reason === "" ? state : `${state} (${reason})`;
  const cost = state === "paused" ? "live" : "start";
  return [{ field: "state", declared: "running", persistent: found, live: "", cost }];
}

/** All drift: from the declared facts and, where the lab declares nothing, from the baseline. */
export function driftOf(baseline: Baseline, seen: DomainObservation): DriftItem[] {
  const transient: DriftItem[] = seen.persistent
    ? []
    : [
        {
          field: "definition",
          declared: "persistent",
          persistent: "absent",
          live: "",
          cost: "none",
        },
      ];
  return [...stateDrift(seen), ...transient, ...definitionDrift(baseline, observedFacts(seen))];
}

/**
 * The baseline, updated where a difference is nobody's edit. Another version of libvirt or QEMU may
 * spell undeclared facts differently. Somebody may have done the pending power cycle, so that the
 * domain runs with its declared hardware. A newer version of this project may declare more facts than
 * the last `up` did: these are added.
 */
export function rebase(
  was: { readonly baseline: Baseline; readonly pending: string },
  seen: DomainObservation,
  declared: Facts,
): { baseline: Baseline; pending: string } {
  const facts = observedFacts(seen);
  let { baseline, pending } = was;
  if (baseline.version !== seen.version) {
    const live =
      baseline.live === undefined || facts.live === undefined
        ? baseline.live
        : rebased(baseline.live, facts.live, declared);
    baseline = {
      persistent: rebased(baseline.persistent, facts.persistent, declared),
      ...(live === undefined ? {} : { live }),
      version: seen.version,
    };
  }
  if (pending !== "" && facts.live !== undefined && liveLacks(declared, facts.live).length === 0) {
    pending = "";
    baseline = { ...baseline, live: facts.live };
  }
  const { persistent, live } = baseline;
  baseline = { ...baseline, persistent: { ...declared, ...persistent } };
  if (pending === "" && live !== undefined)
    baseline = { ...baseline, live: { ...inDefinition(declared), ...live } };
  return { baseline, pending };
}

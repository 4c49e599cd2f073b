/** What the state says of a lab before a run changes it. Pure. */
import { BackingImage, RecordedDisk } from "../image/rootDisk";
import { Acceleration } from "../../core/limits";
import { firstAt, fromXml } from "../../core/xml";
import { LAB_PREFIX } from "../../core/labNames";

/** A resource of a state: what the engine's invoke returns, and what an export holds. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly outputs: unknown;
}

export interface RecordedLab {
  /** Name of the lab: the name of its stack at the first `up`. Undefined: no `up` has created the pool. */
  readonly name: string | undefined;
  /** Folder of the lab's pool on the host. */
  readonly poolPath: string | undefined;
  /** Root disks, by guest. */
  readonly disks: ReadonlyMap<string, RecordedDisk>;
  /** Answers of the probe of KVM, by guest. */
  readonly accelerations: ReadonlyMap<string, RecordedAcceleration>;
}

/** An answer of scripts/host/kvm-probe.sh, and the triggers that it was asked with. */
export interface RecordedAcceleration {
  readonly acceleration: Acceleration;
  readonly triggers: readonly string[] | undefined;
}

const POOL = "libvirt:index/pool:Pool";
const VOLUME = "libvirt:index/volume:Volume";
const DOMAIN = "pulumi-nodejs:dynamic/mir:DomainContract";

export function recordedLab(resources: readonly StateResource[]): RecordedLab {
  const of = (type: string) => resources.filter((resource) => resource.type === type);
  const pool = of(POOL).find((resource) => nameOf(resource) === "host-pool");
  const poolName = textAt(pool?.outputs, "name");
  const disks = of(VOLUME).flatMap((resource): [string, RecordedDisk][] => {
    const guest = guestOf(resource, "-vm-disk");
    const volume = textAt(resource.outputs, "name");
    const image = backingImage(textAt(resource.outputs, "xml", "xslt"));
    if (guest === undefined || volume === undefined || image === undefined) return [];
    const booted = of(DOMAIN).some((domain) => guestOf(domain, "-vm-domain") === guest);
    return [[guest, { volume, image, booted }]];
  });
  return {
    name: poolName?.startsWith(LAB_PREFIX) === true ? poolName.slice(LAB_PREFIX.length) : undefined,
    poolPath: textAt(pool?.outputs, "target", "path"),
    disks: new Map(disks),
    accelerations: new Map(
      resources.flatMap((resource) => {
        const guest = guestOf(resource, "-acceleration");
        const answer = accelerationOf(textAt(resource.outputs, "stdout"));
        if (guest === undefined || answer === undefined) return [];
        const { triggers } = resource.outputs as { triggers?: readonly string[] };
        return [[guest, { acceleration: answer, triggers }] as const];
      }),
    ),
  };
}

function accelerationOf(answer: string | undefined): Acceleration | undefined {
  try {
    const { acceleration } = JSON.parse(answer ?? "") as { acceleration?: unknown };
    return acceleration === "kvm" || acceleration === "tcg" ? acceleration : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What makes the probe of KVM run again: its kept answer is no longer the host's. The recorded triggers run
 * nothing; so does a host whose answer is not known now.
 */
export function kvmTriggers(
  recorded: RecordedAcceleration | undefined,
  now: Acceleration | undefined,
): readonly string[] | undefined {
  if (recorded === undefined || now === undefined || recorded.acceleration === now)
    return recorded?.triggers;
  return [...(recorded.triggers ?? []), now];
}

/** Last part of a URN. */
const nameOf = ({ urn }: StateResource): string => urn.split("::").at(-1) ?? "";

function guestOf(resource: StateResource, ending: string): string | undefined {
  const name = nameOf(resource);
  return name.endsWith(ending) ? name.slice(0, -ending.length) : undefined;
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined,
    value,
  );
  return typeof found === "string" ? found : undefined;
}

/** The backing file that a volume's stylesheet declares; see components/domain/mirDomain.resource.ts. */
function backingImage(xslt: string | undefined): BackingImage | undefined {
  if (xslt === undefined) return undefined;
  const [store] = Array.from(fromXml(xslt).getElementsByTagName("backingStore"));
  const path = store === undefined ? undefined : firstAt(store, "path")?.textContent;
  const format = store === undefined ? undefined : firstAt(store, "format")?.getAttribute("type");
  return imageAt(path, format);
}

/** The image of a path and a format; undefined: none that a disk of a lab stands on. */
export function imageAt(path: unknown, format: unknown): BackingImage | undefined {
  if (typeof path !== "string" || (format !== "qcow2" && format !== "raw")) return undefined;
  // An image by URL is named by its digest: config/imageUrl.ts.
  const digest = /\/(sha\d+)-([0-9a-f]+)\.[a-z0-9]+$/.exec(path);
  return { path, format, ...(digest === null ? {} : { digest: `${digest[1]}:${digest[2]}` }) };
}

/** Puts a replaced root disk back in an exported state. Pure. */
import { generationOf } from "../components/image/rootDisk";

interface ExportedResource {
  readonly urn: string;
  readonly type: string;
  readonly outputs?: { readonly name?: unknown };
  /** Replaced: the engine deletes it at the end of an `up` in which all else went right. */
  readonly delete?: boolean;
}

/** What `pulumi stack export` prints, as far as the lab reads it. */
export interface StackExport {
  readonly deployment: { readonly resources?: readonly ExportedResource[] | null };
}

const nameOf = ({ outputs }: ExportedResource): string => String(outputs?.name);

const VOLUME = "libvirt:index/volume:Volume";

/**
 * The state with the guest's replaced disk in the place of the disk that replaced it, and the other way
 * round. Undefined: the state has no replaced disk of this guest. The place counts: the engine wants each
 * resource after those that it depends on.
 */
export function putBack(state: StackExport, guest: string): StackExport | undefined {
  const resources = state.deployment.resources ?? [];
  const disks = resources.filter(
    ({ urn, type }) => type === VOLUME && urn.endsWith(`::${guest}-vm-disk`),
  );
  const now = disks.find((disk) => disk.delete !== true);
  // Several resets without an end leave several: the oldest is the one that a guest was ready on.
  const [before] = disks
    .filter((disk) => disk.delete === true)
    .sort((a, b) => generationOf(nameOf(a)) - generationOf(nameOf(b)));
  if (now === undefined || before === undefined) return undefined;
  const { delete: _, ...restored } = before;
  const swapped = resources.map((resource) => {
    if (resource === now) return restored;
    return resource === before ? { ...now, delete: true } : resource;
  });
  return { ...state, deployment: { ...state.deployment, resources: swapped } };
}

import * as pulumi from "@pulumi/pulumi";
import { Lab } from "../../config/schema";
import { poolPath } from "../host/labHost.resource";
import { backingImage, imageWanted } from "../image/image.resource";
import { RootDisk } from "../image/rootDisk";
import { Target } from "../../core/target";
import { withFoundDisks } from "./foundDisks.io";
import { claimLab, labName } from "./labName.io";
import { RecordedLab, recordedLab } from "./recorded";
import { refuse } from "./refusal.resource";
import { diskFaults, namedGuests, rootDisks } from "./rootDisks";

/** One stack's resources, as the engine returns them: by URN. */
interface ResourcesOfStack {
  readonly outputs: Record<string, { readonly type: string; readonly outputs: unknown }>;
}

export interface LabFromState {
  /** The lab's name; see components/lab/labName.io.ts. */
  readonly name: string;
  readonly recorded: RecordedLab;
}

/** What the state of this stack holds of the lab, before this run changes anything. */
async function recordedLabOfStack(): Promise<RecordedLab> {
  const { outputs } = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {
    stackName: pulumi.getStack(),
  })) as ResourcesOfStack;
  return recordedLab(Object.entries(outputs).map(([urn, resource]) => ({ urn, ...resource })));
}

/** The lab's name and record. Refuses a run that would take a booted disk whose guest nobody named. */
export async function labFromState(lab: Lab): Promise<LabFromState> {
  const stack = pulumi.getStack();
  const recorded = await recordedLabOfStack();
  const name = nameOf(stack, recorded);
  const faults = diskFaults(lab, poolPath(lab.host, name), recorded, namedGuests(process.env));
  if (faults.length > 0) {
    refuse(
      `${stack}: ${faults.length} fault(s); nothing was touched`,
      ...faults.map((fault) => `  ${fault}`),
    );
  }
  return { name, recorded };
}

/**
 * The root disk of each guest that has one of its own; warns of disks that stay on an earlier image.
 * `defined`: the domains of the host.
 */
export async function labOnDisks(
  lab: Lab,
  { name, recorded }: LabFromState,
  host: Target,
  defined: readonly string[],
): Promise<ReadonlyMap<string, RootDisk>> {
  const where = { name, poolPath: poolPath(lab.host, name), defined };
  const known = await withFoundDisks(host, lab, where, recorded).catch((error: Error) =>
    refuse(error.message),
  );
  const disks = rootDisks(lab, known, namedGuests(process.env), (guest) => {
    if (guest.image.source === "existing") throw new Error(`${guest.name}: is adopted`);
    return backingImage(imageWanted(guest, guest.image), lab.host.cacheDir);
  });
  for (const [guest, { outdated }] of disks) {
    if (outdated) {
      void pulumi.log.warn(
        `${guest}: its image is not the one that is described today (recipe, packages or URL); it keeps its disk; 'lab reset ${guest}' makes it anew`,
      );
    }
  }
  if (!pulumi.runtime.isDryRun()) claimLab(name, pulumi.getStack());
  return disks;
}

function nameOf(stack: string, recorded: RecordedLab): string {
  try {
    return labName(stack, recorded.name);
  } catch (error) {
    refuse((error as Error).message);
  }
}

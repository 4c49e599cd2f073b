import { resourcePolicy } from "./kit";

/** A guest's root disk: laid over an image, and made anew by `up`. */
const ROOT_DISK = "mirlab:index:MirDomain$libvirt:index/volume:Volume";

export const dataDiskProtected = resourcePolicy<{
  readonly volumes: readonly string[];
  readonly scratch: readonly string[];
}>(
  {
    name: "data-disk-protected",
    description: "A volume that is no guest's root disk is protected; so is one that is named.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "`down` and a replacement delete a volume with what is on it. The lab's root disks can be made anew. A policy sees protect, and cannot see retainOnDelete.",
    remediationSteps: "Add { protect: true } to the volume's options, or name it in scratch.",
    config: {
      volumes: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description: "Root disks that hold data, by name of the resource, e.g. mir-vm-disk.",
      },
      scratch: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description: "Other volumes that may go, by name of the resource.",
      },
    },
  },
  ({ type, name, urn, opts }, report, { volumes, scratch }) => {
    if (type !== "libvirt:index/volume:Volume" || opts.protect) return;
    if (volumes.includes(name)) {
      report(
        `The volume '${name}' must be protected, for volumes of this policy names it, found protect off; ` +
          "add { protect: true } to its options.",
      );
    } else if (!urn.includes(ROOT_DISK) && !scratch.includes(name)) {
      report(
        `The volume '${name}' must be protected, for it is no guest's root disk, found protect off; ` +
          `add { protect: true } to its options, or name '${name}' in scratch of this policy.`,
      );
    }
  },
);

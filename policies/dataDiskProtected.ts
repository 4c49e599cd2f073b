import { resourcePolicy } from "./kit";

/** A guest's root disk: an overlay of an image, which `up` can recreate. */
const ROOT_DISK = "mirlab:index:MirDomain$libvirt:index/volume:Volume";

export const dataDiskProtected = resourcePolicy<{
  readonly volumes: readonly string[];
  readonly scratch: readonly string[];
}>(
  {
    name: "data-disk-protected",
    description:
      "A volume is protected unless it is a guest's root disk or listed as scratch; a root disk listed in volumes is protected too.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "`down` and a replacement delete a volume with its data. The lab can recreate its root disks. A policy sees protect, but not retainOnDelete.",
    remediationSteps: "Add { protect: true } to the volume's options, or list it in scratch.",
    config: {
      volumes: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description: "Root disks that hold data, by name of the resource, e.g. mir-vm-disk.",
      },
      scratch: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description: "Other volumes that may be deleted, by name of the resource.",
      },
    },
  },
  ({ type, name, urn, opts }, report, { volumes, scratch }) => {
    if (type !== "libvirt:index/volume:Volume" || opts.protect) return;
    const fault = { what: `volume '${name}'`, found: "protect off" };
    const fix = "add { protect: true } to its options";
    if (volumes.includes(name)) {
      report({ ...fault, need: "protect on, as it is in volumes of this policy", fix });
    } else if (!urn.includes(ROOT_DISK) && !scratch.includes(name)) {
      report({
        ...fault,
        need: "protect on, as it is not a guest's root disk",
        fix: `${fix}, or list '${name}' in scratch of this policy`,
      });
    }
  },
);

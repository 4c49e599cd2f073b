import { resourcePolicy } from "./kit";

export const dataDiskProtected = resourcePolicy<{ readonly scratch: readonly string[] }>(
  {
    name: "data-disk-protected",
    description: "A volume is protected, a guest's root disk too, unless it is listed as scratch.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "A replacement, or a `down` by another way than the lab's own, deletes a volume with its data. A policy sees protect, but not retainOnDelete.",
    remediationSteps: "Add { protect: true } to the volume's options, or list it in scratch.",
    config: {
      scratch: {
        ...{ type: "array", items: { type: "string", minLength: 1 }, default: [] },
        description: "Volumes that may be deleted, by name of the resource, e.g. mir-vm-disk.",
      },
    },
  },
  ({ type, name, opts }, report, { scratch }) => {
    if (type !== "libvirt:index/volume:Volume" || opts.protect || scratch.includes(name)) return;
    report({
      what: `volume '${name}'`,
      found: "protect off",
      need: "protect on: its data goes with it",
      fix: `add { protect: true } to its options, or list '${name}' in scratch of this policy`,
    });
  },
);

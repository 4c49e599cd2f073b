/** The root disks of a lab: what each run declares, and what it must not take. Pure. */
import { GuestConfig, Lab } from "../../config/schema";
import { faultText } from "../../core/fault";
import { BackingImage, RootDisk, rootDisk } from "../image/rootDisk";
import { RecordedLab } from "./recorded";

/** Guests that a user named on the command line, so that their disks may go. */
export interface Named {
  /** Get a new disk. */
  readonly reset: readonly string[];
  /** Are no longer declared, and go with their disks. */
  readonly remove: readonly string[];
}

/** `MIRLAB_RESET` and `MIRLAB_REMOVE`: names with commas, set by `lab reset` and `lab up --remove`. */
export function namedGuests(env: Readonly<Record<string, string | undefined>>): Named {
  const names = (text: string | undefined) => (text ?? "").split(",").filter((name) => name !== "");
  return { reset: names(env.MIRLAB_RESET), remove: names(env.MIRLAB_REMOVE) };
}

const ownGuests = (lab: Lab): GuestConfig[] =>
  lab.guests.filter(({ image }) => image.source !== "existing");

/** Why this run would take a disk that nobody named; empty: it would take none. */
export function diskFaults(
  lab: Lab,
  poolPath: string,
  recorded: RecordedLab,
  { reset, remove }: Named,
): string[] {
  const own = new Set(ownGuests(lab).map(({ name }) => name));
  const booted = [...recorded.disks].filter(([, { booted }]) => booted);
  return [
    ...(booted.length > 0 && recorded.poolPath !== undefined && recorded.poolPath !== poolPath
      ? [
          faultText({
            what: "host.dataDir",
            found: `the pool at ${poolPath}, while the guests' disks are in ${recorded.poolPath}`,
            need: "the folder that the lab was made in: its disks do not move",
            fix: "set host.dataDir back, or remove the lab with 'lab down' first",
          }),
        ]
      : []),
    ...booted
      .filter(([guest]) => !own.has(guest) && !remove.includes(guest))
      .map(([guest, { volume }]) =>
        faultText({
          what: guest,
          found: `its disk ${volume}, but no such guest with a disk of its own in the configuration`,
          need: "every guest that has a disk, or its name: its disk would be deleted",
          fix: `declare it again, or delete it with 'lab up --remove ${guest}'`,
        }),
      ),
    ...remove
      .filter((guest) => own.has(guest))
      .map((guest) =>
        faultText({
          what: `remove ${guest}`,
          found: "the guest in the configuration",
          need: "a guest that is no longer declared",
          fix: `delete it from mirlab:guests, or make it anew with 'lab reset ${guest}'`,
        }),
      ),
    ...reset
      .filter((guest) => !own.has(guest))
      .map((guest) =>
        faultText({
          what: `reset ${guest}`,
          found: "no such guest with a disk of its own in the configuration",
          need: `one of ${[...own].join(", ") || "none"}`,
          fix: "correct the name",
        }),
      ),
  ];
}

/** The root disk of each guest that has one of its own. `imageOf` gives the image of today. */
export function rootDisks(
  lab: Lab,
  recorded: RecordedLab,
  { reset }: Named,
  imageOf: (guest: GuestConfig) => BackingImage,
): Map<string, RootDisk> {
  return new Map(
    ownGuests(lab).map((guest) => [
      guest.name,
      rootDisk(
        guest.name,
        imageOf(guest),
        recorded.disks.get(guest.name),
        reset.includes(guest.name),
      ),
    ]),
  );
}

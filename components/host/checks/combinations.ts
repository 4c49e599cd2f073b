/** What is known to be bad about a declaration, before it is tried. Pure. */
import { knownBad } from "../../../config/known";
import { HostCheck } from "./finding";

export const COMBINATION_CHECKS: readonly HostCheck[] = [
  {
    id: "combination",
    group: "config",
    judge: (_, { guests }) =>
      guests.flatMap((guest, i) =>
        knownBad(guest).map(({ key, found, need, fix }) => ({
          severity: "warn" as const,
          path: `guests[${i}].${key}`,
          ...{ found, required: need, fix },
        })),
      ),
  },
];

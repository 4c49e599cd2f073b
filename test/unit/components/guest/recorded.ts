// The look of the fixture's guest, and what an `up` recorded of it.
import { recordOf } from "../../../../components/guest/differences";
import { GuestObservation } from "../../../../components/guest/observation";
import { GuestSeen } from "../../../../components/guest/seen";
import { CONTRACT, observed } from "../../guest";

const NOW = observed().time;
const ASKED = { from: NOW - 1, to: NOW + 1 };
export const seenOf = (look: GuestObservation, asked = ASKED): GuestSeen =>
  new GuestSeen(look, asked);

export const recorded = recordOf(CONTRACT, observed(), seenOf(observed()), {});

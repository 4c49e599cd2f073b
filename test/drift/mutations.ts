/** The mutations of the drift matrix, by part: host, domain, guest. */
import { domainMutations } from "./domainMutations";
import { GUEST_MUTATIONS } from "./guestMutations";
import { HOST_MUTATIONS } from "./hostMutations";

export const MUTATIONS = {
  host: HOST_MUTATIONS,
  domain: domainMutations("qxl"),
  guest: GUEST_MUTATIONS,
} as const;

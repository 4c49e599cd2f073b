/** The mutations of the drift matrix, by part: host, domain, guest. */
import { DOMAIN_MUTATIONS } from "./domainMutations";
import { GUEST_MUTATIONS } from "./guestMutations";
import { HOST_MUTATIONS } from "./hostMutations";

export const MUTATIONS = {
  host: HOST_MUTATIONS,
  domain: DOMAIN_MUTATIONS,
  guest: GUEST_MUTATIONS,
} as const;

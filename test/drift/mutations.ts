/** The mutations of the drift matrix, by where they are made. */
import { DOMAIN_MUTATIONS } from "./domainMutations";
import { HOST_MUTATIONS } from "./hostMutations";

export const MUTATIONS = { host: HOST_MUTATIONS, domain: DOMAIN_MUTATIONS } as const;

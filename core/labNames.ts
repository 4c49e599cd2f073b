/** Names that a lab has on its host, and for SSH. Pure. */

/** Each of them begins with it. */
export const LAB_PREFIX = "mirlab-";

/** The lab's pool and network. */
export const labNamed = (lab: string): string => `${LAB_PREFIX}${lab}`;

/** The domain of a guest that the lab creates, and SSH's alias of each guest. */
export const guestNamed = (lab: string, guest: string): string => `${labNamed(lab)}-${guest}`;

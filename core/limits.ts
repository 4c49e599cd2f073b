/** How long waits may take. Pure. */

/** What runs the guest's instructions: hardware, or QEMU's translator. */
export type Acceleration = "kvm" | "tcg";

/** libvirt's domain type for an acceleration. */
export const DOMAIN_TYPE = { kvm: "kvm", tcg: "qemu" } as const;

/** What a domain of that type runs on. */
export const accelerationOf = (type: string): Acceleration => (type === "kvm" ? "kvm" : "tcg");

/**
 * Seconds after which a step has failed, whatever moves. A TCG guest on two cores reached SSH in
 * under 45 s, on the same cores with four other guests in 170 s, and a cloud image that installs
 * packages at first boot takes minutes (all measured); the limits leave a busy machine room.
 * `live` is a guest's answer to a balloon that is let out, or a device that is unplugged.
 */
export const LIMITS_S = {
  kvm: { ssh: 300, cloudInit: 600, session: 180, shutdown: 120, live: 20 },
  tcg: { ssh: 1800, cloudInit: 3600, session: 900, shutdown: 600, live: 120 },
} as const;

/**
 * Seconds in which something has to move, or the step has failed: a hung guest is not waited for as
 * long as a slow one. While it boots it reads its disk or writes to its serial console; a session
 * that comes up meets one check after another.
 */
export const STALL_S = {
  kvm: { ssh: 60, session: 30 },
  tcg: { ssh: 240, session: 150 },
} as const;

/** Seconds after which a session has shown all that it will show. */
export const SETTLED_S = { kvm: 30, tcg: 120 } as const;

/** How long waits may take. Pure. */

/** What runs the guest's instructions: hardware, or QEMU's translator. */
export type Acceleration = "kvm" | "tcg";

/** libvirt's domain type for an acceleration. */
export const DOMAIN_TYPE = { kvm: "kvm", tcg: "qemu" } as const;

/** What a domain of that type runs on. */
export const accelerationOf = (type: string): Acceleration => (type === "kvm" ? "kvm" : "tcg");

/**
 * Seconds from power-on until a step must be done. A TCG guest on two cores reached SSH in under
 * 45 s and a cloud image that installs packages at first boot takes minutes (both measured);
 * the limits leave a busy machine room.
 */
export const LIMITS_S = {
  kvm: { ssh: 120, cloudInit: 600, session: 60 },
  tcg: { ssh: 600, cloudInit: 3600, session: 300 },
} as const;

/** Time limits of waits. Pure. */

/** What executes the guest's instructions: the CPU (KVM), or QEMU's translator (TCG). */
export type Acceleration = "kvm" | "tcg";

/** libvirt's domain type for an acceleration. */
export const DOMAIN_TYPE = { kvm: "kvm", tcg: "qemu" } as const;

/** The acceleration of a domain type. */
export const accelerationOf = (type: string): Acceleration => (type === "kvm" ? "kvm" : "tcg");

/**
 * Seconds after which a step fails even while it makes progress. Measured: a TCG guest on two cores
 * reached SSH in under 45 s, with four other guests on the same cores in 170 s, and a cloud image
 * that installs packages at first boot takes minutes. Under KVM in an emulated host SSH took 200 to 400 s: a
 * guest that moves is waited for as long as under TCG, one that does not ends by STALL_S. `live` limits a
 * guest's reaction to a balloon change or a device unplug.
 */
export const LIMITS_S = {
  kvm: { ssh: 1800, cloudInit: 1200, session: 900, shutdown: 120, live: 20 },
  tcg: { ssh: 1800, cloudInit: 3600, session: 900, shutdown: 600, live: 120 },
} as const;

/**
 * Seconds without progress after which a step fails, so that a hung guest fails earlier than a slow
 * one. Progress is: a booting guest reads its disk or writes to its serial console; a starting
 * session passes one more check.
 */
export const STALL_S = {
  kvm: { ssh: 60, session: 30 },
  tcg: { ssh: 240, session: 150 },
} as const;

/**
 * Factor by which a slow host lengthens a wait, at least 1. `tookS`: seconds that a step took; `usualS`: seconds that
 * the step may take before the host counts as slow. A host may be slow under KVM too.
 */
export const slowness = (tookS: number, usualS: number): number => Math.max(1, tookS / usualS);

/** Seconds that a look at a guest may take, with all connections and a picture. An allowance, not a measurement. */
export const LOOK_S = 10;

/** Seconds after its start in which a session passes all checks that it will ever pass. */
export const SETTLED_S = { kvm: 30, tcg: 120 } as const;

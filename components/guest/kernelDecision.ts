/** What another room decides of a guest, and the guest has to be. Pure. */

/** The kernel that GuestKernel has decided on. */
export interface KernelDecision {
  readonly release: string;
  /** The boot loader starts it whatever else is installed. */
  readonly pinned: boolean;
}

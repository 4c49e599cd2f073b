/** GuestKernel's decision, which the guest's contract takes into account. Pure. */

export interface KernelDecision {
  readonly release: string;
  /** The boot loader starts this release even if newer ones are installed. */
  readonly pinned: boolean;
}

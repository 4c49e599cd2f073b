/** One fault of the configuration: its place and its reason. */
export interface ConfigFault {
  /** e.g. `guests[0].memoryMiB` */
  readonly path: string;
  readonly reason: string;
}

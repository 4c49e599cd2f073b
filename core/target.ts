/** Where the project's scripts run. Pure. */

/**
 * A `Host` alias of an OpenSSH configuration file that pins the server's key. Plain data, because
 * the state keeps it.
 */
export interface SshTarget {
  /** Path of the configuration file. */
  readonly config: string;
  readonly alias: string;
  /** The login user is root: sudo may be missing there. */
  readonly root?: boolean;
}

/** Undefined: this machine. */
export type Target = SshTarget | undefined;

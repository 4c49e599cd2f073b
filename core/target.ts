/** Where scripts of ours run. Pure. */

/**
 * Where a script runs: this machine (undefined), or a `Host` alias of an OpenSSH configuration file
 * which pins the server's key. Plain data: it is kept in the state.
 */
export interface SshTarget {
  /** Path of the configuration file. */
  readonly config: string;
  readonly alias: string;
  /** The login user is root: then there may be no sudo. */
  readonly root?: boolean;
}

export type Target = SshTarget | undefined;

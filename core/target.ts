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
  /** libvirt is the login user's own, `qemu:///session`. @default false */
  readonly session?: true;
}

/** This machine, with the libvirt of the user: the domains of GNOME Boxes. */
export interface OwnSession {
  readonly session: true;
}

/** A machine with domains that is not this one, or not with its system's libvirt. */
export type HostTarget = SshTarget | OwnSession;

/** Undefined: this machine, and its system's libvirt. */
export type Target = HostTarget | undefined;

/** Undefined: this machine. */
export const sshOf = (target: Target): SshTarget | undefined =>
  target !== undefined && "alias" in target ? target : undefined;

/** URI of the libvirt that has the target's domains. */
export const libvirtOf = (target: Target): string =>
  target?.session === true ? "qemu:///session" : "qemu:///system";

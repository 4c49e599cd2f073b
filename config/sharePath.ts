/** Which host folders may be shared with a guest. Pure: symlinks are resolved by the caller. */

/** Refused, with everything below them. */
const SYSTEM_TREES = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var/cache",
  "/var/log",
  "/var/run",
  "/var/spool",
  "/var/lib/libvirt",
  "/var/lib/dpkg",
];

/** Refused; a folder below them may be shared. */
const SYSTEM_FOLDERS = [
  "/",
  "/home",
  "/media",
  "/mnt",
  "/opt",
  "/root",
  "/srv",
  "/tmp",
  "/var",
  "/var/lib",
  "/var/tmp",
];

/**
 * Why a resolved, absolute host path may not be shared; undefined: it may. A home folder
 * (`/home/ada`) is refused because it has keys; a folder in it may be shared.
 */
export function sharePathFault(path: string): string | undefined {
  const fix = "share a folder made for it, e.g. /srv/mir";
  if (path !== "/" && !/^(\/[^/]+)+$/.test(path))
    return `'${path}' is not an absolute path; ${fix}`;
  if (path.split("/").some((part) => part === "." || part === "..")) {
    return `'${path}' holds '.' or '..'; ${fix}`;
  }
  if (SYSTEM_FOLDERS.includes(path)) return `'${path}' is a system folder; ${fix}`;
  const tree = SYSTEM_TREES.find((t) => path === t || path.startsWith(`${t}/`));
  if (tree !== undefined) return `'${path}' is in the system folder ${tree}; ${fix}`;
  if (/^\/home\/[^/]+$/.test(path)) return `'${path}' is a home folder; ${fix}`;
  if (path.split("/").some((part) => part === ".ssh" || part === ".gnupg")) {
    return `'${path}' holds private keys; ${fix}`;
  }
  return undefined;
}

/** The libvirt provider's URI of a lab host. Pure. */
import { isIPv6 } from "node:net";
import { visible } from "../../core/plainText";
import type { SshHost } from "../../core/sshConfig";

/** The provider expands `$NAME` in a path as a variable. */
function filePath(path: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused here
  if (!/[$\u0000-\u001f]/.test(path) && path.isWellFormed()) return path;
  throw new Error(
    `libvirt URI: found the path '${visible(path)}'; need one without '$' and control characters; ` +
      `fix: choose another MIRLAB_HOME or host.ssh.privateKeyFile`,
  );
}

/** This machine, or SSH with the pinned key. */
export function libvirtUri(host: SshHost | undefined): string {
  if (host === undefined) return "qemu:///system";
  const name = isIPv6(host.hostName) ? `[${host.hostName}]` : host.hostName;
  // Of two ways to use a key the provider tries one.
  const query = new URLSearchParams({
    ...(host.inAgent ? {} : { keyfile: filePath(host.identityFile) }),
    knownhosts: filePath(host.knownHostsFile),
    sshauth: host.inAgent ? "agent" : "privkey",
  });
  return `qemu+ssh://${encodeURIComponent(host.user)}@${name}:${host.port}/system?${query.toString()}`;
}

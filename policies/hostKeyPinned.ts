import { resourcePolicy } from "./kit";

type Hop = Readonly<Record<string, unknown>>;

export const hostKeyPinned = resourcePolicy(
  {
    name: "host-key-pinned",
    description: "Every SSH connection and every proxy pins the host key.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "@pulumi/command without a hostKey trusts whoever answers, and sends commands and secrets there.",
    remediationSteps: "Set connection.hostKey, and connection.proxy.hostKey if there is a proxy.",
  },
  ({ type, props, name }, report) => {
    if (!type.startsWith("command:remote:")) return;
    const { connection } = props as { connection?: Hop | string };
    // An export without --show-secrets hides the whole connection.
    if (typeof connection === "string") return;
    // The vendor's plugin shows a preview's connection that is not known yet as one to no host.
    if (connection?.host === "") return;
    const say = (where: string): void =>
      report({
        what: `connection of '${name}'`,
        found: `no ${where}`,
        need: "a pinned host key",
        fix: "set it to a line of ssh-keyscan without the host name, verified on the host's console",
      });
    // A preview knows whether the key is set before it knows the key.
    const pinned = (hop: Hop): boolean => "hostKey" in hop && lineOf(hop) !== "";
    if (connection === undefined || !pinned(connection)) say("connection.hostKey");
    const proxy = connection?.proxy as Hop | undefined;
    if (proxy !== undefined && !pinned(proxy)) say("connection.proxy.hostKey");
  },
);

/** Undefined for a key that is not known yet: it is not an empty one. */
function lineOf(hop: Hop): unknown {
  try {
    return hop.hostKey;
  } catch {
    return undefined;
  }
}

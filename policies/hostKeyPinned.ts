import { resourcePolicy } from "./kit";

type Hop = Readonly<Record<string, unknown>>;

export const hostKeyPinned = resourcePolicy(
  {
    name: "host-key-pinned",
    description:
      "Every SSH connection, and every proxy of one, names the host key that it accepts.",
    severity: "critical",
    enforcementLevel: "mandatory",
    why: "@pulumi/command without a hostKey talks to whoever answers, and hands over what it was told to send.",
    remediationSteps:
      "Set connection.hostKey, and connection.proxy.hostKey where there is a proxy.",
  },
  ({ type, props, name }, report) => {
    if (!type.startsWith("command:remote:")) return;
    const { connection } = props as { connection?: Hop | string };
    // An export without --show-secrets: connections are secret as a whole.
    if (typeof connection === "string") return;
    const say = (where: string): void =>
      report(
        `The connection of '${name}' must pin its host key, found no ${where}; ` +
          `set it to one line of ssh-keyscan without the host, from a trusted place.`,
      );
    // Whether it is there can be told while its value is not known yet.
    const pinned = (hop: Hop): boolean => "hostKey" in hop && lineOf(hop) !== "";
    if (connection === undefined || !pinned(connection)) say("connection.hostKey");
    const proxy = connection?.proxy as Hop | undefined;
    if (proxy !== undefined && !pinned(proxy)) say("connection.proxy.hostKey");
  },
);

/** A key that is not known yet is none that is empty. */
function lineOf(hop: Hop): unknown {
  try {
    return hop.hostKey;
  } catch {
    return undefined;
  }
}
